"""A window of WebKitGTK for the tests, run with Debian's own Python, which has the bindings.

    /usr/bin/python3 webkit_window.py FOLDER    (its storage; "" is Private Browsing)

WebKitWebDriver's MiniBrowser forgets everything at its end, as automation is private there; this one keeps it
as a browser does. Each line in is JSON: {"go": address} or {"call": body of an async function, "with": list},
where the body sees the list as `args`; each line out is {"value": ...} or {"error": sentence}. A line
{"trust": PEM, "host": name} lets a server have just this certificate. What is downloaded goes to the folder.
"""

import json
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gio, GLib, Gtk, WebKit2  # noqa: E402 after their versions are chosen

GOING = []  # what was asked for and is not there yet; where a page goes by itself, nobody is told


def tell(**answer):
    print(json.dumps(answer), flush=True)


def opened(folder):
    """A web view whose storage lies in `folder`."""
    if folder:
        manager = WebKit2.WebsiteDataManager(
            base_data_directory=folder, base_cache_directory=folder + "/cache"
        )
    else:
        manager = WebKit2.WebsiteDataManager.new_ephemeral()
    context = WebKit2.WebContext(website_data_manager=manager)
    context.connect("download-started", lambda _context, download: save(download, folder))
    view = WebKit2.WebView(web_context=context)
    view.connect("load-changed", loaded)
    view.connect("load-failed", lambda _view, _event, _address, error: tell(error=error.message))
    window = Gtk.Window()
    window.add(view)
    window.show_all()
    return view


def save(download, folder):
    download.connect(
        "decide-destination", lambda _download, name: download.set_destination(f"file://{folder}/{name}")
    )


def loaded(_view, event):
    if event == WebKit2.LoadEvent.FINISHED and GOING:
        GOING.clear()
        tell(value=None)


def called(view, result):
    try:
        tell(value=json.loads(view.call_async_javascript_function_finish(result).to_json(0) or "null"))
    except GLib.Error as error:
        tell(error=error.message)


def heard(channel, _condition, view):
    line = channel.readline()
    if not line:
        Gtk.main_quit()
        return False
    order = json.loads(line)
    if "go" in order:
        GOING.append(order["go"])
        view.load_uri(order["go"])
    elif "trust" in order:
        certificate = Gio.TlsCertificate.new_from_pem(order["trust"], -1)
        view.get_context().allow_tls_certificate_for_host(certificate, order["host"])
        tell(value=None)
    else:
        given = GLib.Variant("a{sv}", {"given": GLib.Variant("s", json.dumps(order["with"]))})
        body = f"const args = JSON.parse(given); {order['call']}"
        view.call_async_javascript_function(body, -1, given, None, None, None, called)
    return True


def main():
    view = opened(sys.argv[1])
    GLib.io_add_watch(GLib.IOChannel(0), GLib.IO_IN | GLib.IO_HUP, heard, view)
    tell(value="ready")
    Gtk.main()


main()
