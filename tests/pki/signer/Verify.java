import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.*;
import java.util.*;

/** Verify.java ROOT ISSUING LEAF: the chain by Java's PKIX rules, without revocation; "ok" or the reason. */
public class Verify {
    public static void main(String[] files) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> read = new ArrayList<>();
        for (String file : files) {
            try (FileInputStream in = new FileInputStream(file)) {
                read.add((X509Certificate) factory.generateCertificate(in));
            }
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(read.get(0), null)));
        parameters.setRevocationEnabled(false);
        try {
            CertPath path = factory.generateCertPath(List.of(read.get(2), read.get(1)));
            CertPathValidator.getInstance("PKIX").validate(path, parameters);
            System.out.println("ok");
        } catch (CertPathValidatorException error) {
            System.out.println(error.getMessage());
        }
    }
}
