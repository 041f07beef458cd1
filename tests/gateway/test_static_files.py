"""Files of ours as browsers get them."""

import gzip

import httpx2

from gateway.app import Readiness, build_app


def client(*, has_gallery: bool = False) -> httpx2.AsyncClient:
    """A browser without a cache of its own."""
    app = build_app(Readiness(), [], has_demo_page=False, has_gallery=has_gallery)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost")


async def test_the_widget_comes_compressed_and_only_once() -> None:
    """Its size is counted compressed; who has it already gets a few bytes. Proves: WI-46."""
    async with client() as http:
        plain = await http.get("/widget.js", headers={"accept-encoding": "identity"})
        packed = await http.get("/widget.js", headers={"accept-encoding": "gzip, br"})
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 9)) <= 25_000
        assert packed.content == plain.content
        assert {one.headers["vary"] for one in (plain, packed)} == {"Accept-Encoding"}
        for one in (plain, packed):
            kept = {"accept-encoding": one.request.headers["accept-encoding"], "if-none-match": one.headers["etag"]}
            again = await http.get("/widget.js", headers=kept)
            assert (again.status_code, again.content) == (304, b"")


async def test_the_gallery_is_there_only_where_it_is_asked_for() -> None:
    """A site that is served to the world has no page for developers. Proves: WI-45."""
    async with client() as http:
        assert (await http.get("/gallery")).status_code == 404
    async with client(has_gallery=True) as http:
        assert (await http.get("/gallery")).status_code == 200
