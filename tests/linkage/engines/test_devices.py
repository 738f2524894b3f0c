"""torch is asked for a device only where there may be one."""

import pytest

from relinkage.linkage.engines import devices


def test_cuda_device_possible_where_a_driver_has_left_a_sign(monkeypatch, tmp_path):
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(devices, "_SIGNS", (str(tmp_path / "nvidiactl"),))
    assert not devices.cuda_device_possible()
    (tmp_path / "nvidiactl").touch()
    assert devices.cuda_device_possible()


@pytest.mark.parametrize(("platform", "possible"), [("win32", True), ("darwin", False)])
def test_cuda_device_possible_where_only_torch_could_tell(monkeypatch, platform, possible):
    monkeypatch.setattr(devices.sys, "platform", platform)
    assert devices.cuda_device_possible() == possible
