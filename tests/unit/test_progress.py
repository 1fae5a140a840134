from archlock.progress import Progress, Silent


def test_silent_says_nothing(capfd):
    silent: Progress = Silent()
    silent.begin("training", 3, done=1)
    silent.advance(2, "a note")
    silent.say("a line")
    assert capfd.readouterr() == ("", "")
