"""Who may ask, how many at once, and what happens to work that nobody waits for."""

from __future__ import annotations

import threading

import httpx
import pytest

from affecttts.errors import RequestError
from affecttts.serving.settings import Aliases, ServerSettings, read_aliases, read_key

KEY = "a-key-of-some-length"
PATIENCE = 20  # seconds


def post_in_thread(server, **fields) -> tuple[threading.Thread, list]:
    answers: list = []
    thread = threading.Thread(target=lambda: answers.append(server.speak(**fields)))
    thread.start()
    return thread, answers


def until(condition) -> None:
    """Wait for something that must come."""
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def test_a_full_queue_is_told_at_once(start, slow):
    with start(slow, workers=1, waiting=1, deadline=PATIENCE) as server:
        first, _ = post_in_thread(server)
        until(lambda: slow.begun)
        second, answers = post_in_thread(server)
        until(lambda: server.service.queue.length == 1)
        refused = server.speak()
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["type"] == "server_error"
        assert server.client.get("/health").status_code == 200
        slow.free.set()
        first.join()
        second.join()
        assert answers[0].status_code == 200


def test_who_waits_too_long_is_refused(start, slow):
    with start(slow, workers=1, waiting=5, deadline=0.1) as server:
        first, _ = post_in_thread(server)
        until(lambda: slow.begun)
        refused = server.speak()
        assert refused.status_code == 503 and "0.1 s" in refused.json()["error"]["message"]
        assert server.service.queue.length == 0
        slow.free.set()
        first.join()


def test_who_hangs_up_stops_the_work(start, slow):
    with start(slow, workers=1) as server:
        body = {"input": "Hello there.", "response_format": "pcm"}
        with server.client.stream("POST", "/v1/audio/speech", json=body) as answer:
            next(answer.iter_bytes())
        assert slow.closed.acquire(timeout=PATIENCE)
        until(lambda: server.service.queue.at_work == 0)


def test_who_hangs_up_in_the_queue_leaves_it(start, slow):
    with start(slow, workers=1, deadline=PATIENCE) as server:
        first, _ = post_in_thread(server)
        until(lambda: slow.begun)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/v1/audio/speech", json={"input": "Hi."}, timeout=0.3)
        until(lambda: server.service.queue.length == 0)
        slow.free.set()
        first.join()
        assert len(slow.begun) == 1


def test_without_the_key_there_is_only_the_page(start):
    with start(key=KEY) as server:
        get = server.client.get
        assert get("/health").status_code == get("/").status_code == 200
        for headers in ({}, {"authorization": "Bearer nothing"}, {"authorization": f"Basic {KEY}"}):
            answer = get("/v1/models", headers=headers)
            assert answer.status_code == 401 and "www-authenticate" in answer.headers
            assert answer.json()["error"]["code"] == "invalid_api_key"
        assert get("/v1/models", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
        assert get("/metrics").status_code == 401


def test_other_addresses_need_a_key():
    with pytest.raises(RequestError, match="--api-key-file"):
        ServerSettings(host="0.0.0.0")
    assert ServerSettings(host="0.0.0.0", key=KEY).key not in repr(ServerSettings(key=KEY))
    for host in ("127.0.0.1", "::1", "localhost"):
        ServerSettings(host=host)


def test_a_page_of_another_origin_gets_nothing(server):
    foreign = {"origin": "https://elsewhere.example"}
    answer = server.client.get("/v1/audio/voices", headers=foreign)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    simple = {"content-type": "text/plain"} | foreign  # what needs no preflight
    content = b'{"input": "Hello."}'
    assert server.client.post("/v1/audio/speech", content=content, headers=simple).is_error
    assert server.client.options("/v1/audio/speech", headers=foreign).is_error
    rebound = server.client.get("/v1/audio/voices", headers={"host": "elsewhere.example:80"})
    assert rebound.status_code == 421


def test_keys_and_aliases_are_read_from_files(tmp_path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert read_key(tmp_path / "key") == KEY
    (tmp_path / "key").write_text("short")
    with pytest.raises(RequestError, match="16 to 512"):
        read_key(tmp_path / "key")
    (tmp_path / "aliases").write_text('{"voices": {"alloy": "heart"}}')
    assert read_aliases(tmp_path / "aliases") == Aliases({"alloy": "heart"})
    for wrong in ('{"voice": {}}', '{"voices": ["alloy"]}', '{"voices": {"alloy": 1}}', "[]"):
        (tmp_path / "aliases").write_text(wrong)
        with pytest.raises(RequestError):
            read_aliases(tmp_path / "aliases")


@pytest.mark.parametrize("aliases", [{"alloy": "nobody"}, {"heart": "fenrir"}])
def test_an_alias_stands_for_a_voice_that_there_is(start, aliases):
    with pytest.raises(RequestError, match="alias"), start(aliases=Aliases(aliases)):
        pass
