/* Connects to an MQTT broker as a small device does: mbedTLS, its own certificate, MQTT 3.1.1 CONNECT.
 *
 *   client HOST PORT CA.pem CERT.pem KEY.pem CLIENT-ID
 *
 * Says "CONNACK <version of TLS>" and ends with 0 when the broker accepts; else 1 and why, on stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

static void check(int result, const char *what)
{
    char text[128];
    if (result >= 0)
        return;
    mbedtls_strerror(result, text, sizeof text);
    fprintf(stderr, "%s: -0x%04x %s\n", what, -result, text);
    exit(1);
}

/* MQTT 3.1.1, 3.1: clean session, keep alive 60 s, no user name: who it is stands in the certificate. */
static size_t connect_packet(unsigned char *out, const char *id)
{
    static const unsigned char head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60};
    size_t length = strlen(id);
    out[0] = 0x10;
    out[1] = (unsigned char)(sizeof head + 2 + length);
    memcpy(out + 2, head, sizeof head);
    out[2 + sizeof head] = 0;
    out[3 + sizeof head] = (unsigned char)length;
    memcpy(out + 4 + sizeof head, id, length);
    return 4 + sizeof head + length;
}

int main(int argc, char **argv)
{
    mbedtls_net_context net;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_x509_crt ca, own;
    mbedtls_pk_context key;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    unsigned char packet[128], answer[4];
    int result;
    size_t got = 0, length;

    if (argc != 7 || strlen(argv[6]) > 64) {
        fprintf(stderr, "usage: client HOST PORT CA.pem CERT.pem KEY.pem CLIENT-ID\n");
        return 2;
    }
    mbedtls_net_init(&net);
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&ca);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);

    check(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), "random");
    check(-abs(mbedtls_x509_crt_parse_file(&ca, argv[3])), "CA");
    check(-abs(mbedtls_x509_crt_parse_file(&own, argv[4])), "certificate");
    check(mbedtls_pk_parse_keyfile(&key, argv[5], NULL), "key");
    check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT), "defaults");
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    check(mbedtls_ssl_conf_own_cert(&config, &own, &key), "own certificate");
    check(mbedtls_ssl_setup(&ssl, &config), "set-up");
    check(mbedtls_ssl_set_hostname(&ssl, argv[1]), "host name");

    check(mbedtls_net_connect(&net, argv[1], argv[2], MBEDTLS_NET_PROTO_TCP), "connection");
    mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
    do {
        result = mbedtls_ssl_handshake(&ssl);
    } while (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE);
    check(result, "handshake");

    length = connect_packet(packet, argv[6]);
    check(mbedtls_ssl_write(&ssl, packet, length), "CONNECT");
    while (got < sizeof answer) { /* MQTT 3.1.1, 3.2: 20 02 flags code */
        result = mbedtls_ssl_read(&ssl, answer + got, sizeof answer - got);
        if (result == 0)
            result = MBEDTLS_ERR_SSL_CONN_EOF;
        check(result, "CONNACK");
        got += (size_t)result;
    }
    if (answer[0] != 0x20 || answer[3] != 0) {
        fprintf(stderr, "CONNACK: refused with code %d\n", answer[3]);
        return 1;
    }
    printf("CONNACK %s\n", mbedtls_ssl_get_version(&ssl));
    mbedtls_ssl_close_notify(&ssl);
    return 0;
}
