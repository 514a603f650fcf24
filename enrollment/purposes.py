"""What the profiles of pki/ are called, for the catalogues of languages: pki itself knows no Django."""

from django.utils.translation import gettext_noop as _

TITLES = (_("Phone or browser"), _("Web server"), _("MQTT device"), _("MQTT broker"))
PURPOSES = (
    _("Lets this phone or browser through to pages that ask for a certificate."),
    _("Proves to browsers that they talk to this web server of the household."),
    _("Lets this device connect to the MQTT broker."),
    _("Proves to devices that they talk to this broker, and lets it connect to other brokers."),
)
