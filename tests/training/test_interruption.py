import os
import signal

import pytest

from simclr_tf.training import interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_sets_a_flag_and_handlers_come_back(number):
    former = signal.getsignal(number)
    with interruption.stop_on_signal() as asked:
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()
        assert signal.getsignal(number) == former
    assert signal.getsignal(number) == former
    with pytest.raises(interruption.Interrupted) as caught:
        asked.raise_if_asked()
    assert caught.value.code == 128 + number


@pytest.fixture
def interrupts():
    """They act, though a shell's background processes ignore them."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def test_a_second_interrupt_acts_at_once(interrupts):
    with interruption.stop_on_signal():
        # To this thread: another one may take it later, and two as one.
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_without_a_signal_nothing_is_raised():
    with interruption.stop_on_signal() as asked:
        pass
    asked.raise_if_asked()
