"""The judge of sound quality."""

from __future__ import annotations

import numpy as np

from affecttts.evaluation.judges.base import JUDGE_RATE, package_folder, to_judge_rate

DNSMOS_SECONDS = 9.01  # its input; shorter clips are repeated to fill it
# raw output -> MOS, as in speechmos
DNSMOS_OVERALL = np.poly1d([-0.06766283, 1.11546468, 0.04602535])


class SoundJudge:
    """DNSMOS P.835, the overall score (1 to 5)."""

    name = "DNSMOS overall"

    def __init__(self, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        weights = package_folder("speechmos") / "dnsmos_models" / "sig_bak_ovr.onnx"
        self._session = onnxruntime.InferenceSession(
            str(weights), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, audio: np.ndarray, sample_rate: int) -> float:
        """Predicted opinion score of audio [T], the mean over windows one second apart;
        not-a-number where T is 0.
        """
        if len(audio) == 0:
            return float("nan")
        samples, width = to_judge_rate(audio, sample_rate), int(DNSMOS_SECONDS * JUDGE_RATE)
        while len(samples) < width:
            samples = np.tile(samples, 2)
        windows = int(len(samples) // JUDGE_RATE - DNSMOS_SECONDS) + 1
        starts = [index * JUDGE_RATE for index in range(windows)]
        raw = [
            self._session.run(None, {"input_1": samples[None, s : s + width]})[0][0][2]
            for s in starts
        ]
        return float(np.mean(DNSMOS_OVERALL(np.array(raw))))
