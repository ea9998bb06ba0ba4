from server.scheduling.capacity.encoding_load import EncodingLoad


def loaded(encoders: int | None, pace: float) -> EncodingLoad:
    load = EncodingLoad(encoders)
    load.add(pace, 1.0)
    return load


def test_as_many_songs_have_room_as_encoders_encode_in_their_time() -> None:
    load = loaded(2, 0.02)
    assert load.has_room(90, 0.9)
    assert not load.has_room(91, 0.9)


def test_one_song_for_each_encoder_has_room_however_slow_it_is() -> None:
    load = loaded(2, 3.0)
    assert load.has_room(2, 0.9)
    assert not load.has_room(3, 0.9)


def test_nothing_is_bounded_while_the_cost_is_unknown_or_encoders_are_not_counted() -> None:
    load = EncodingLoad(1)
    load.add(0.5, 0.0)
    assert load.has_room(1000, 0.9)
    assert loaded(None, 3.0).has_room(1000, 0.9)
