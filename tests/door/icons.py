"""`python -m tests.door.icons` draws the home screen's icons from static/latchkey/icon.svg with Chromium.

Their ground goes to the corners: phones round an icon themselves, and show what is transparent as black.
"""

from django.conf import settings

from tests.pictures import chromium

SIZES = (180, 192, 512)  # apple-touch-icon; the manifest's


def draw() -> None:
    """Write static/door/icon-<size>.png."""
    icon = (settings.BASE_DIR / "static/latchkey/icon.svg").read_text().replace(' rx="5"', "")
    with chromium() as browser:
        for size in SIZES:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(
                f"<style>body{{margin:0}}svg{{display:block;width:{size}px;height:{size}px}}</style>{icon}"
            )
            page.screenshot(path=settings.BASE_DIR / f"static/door/icon-{size}.png")


if __name__ == "__main__":
    draw()
