"""The environment variables that matter to mtlser: what each does and its default.

`tests/test_reference.py` fails when the code reads one that is not listed here, and when one that
is listed as read by the code is not. It is no module of the library: no entry point uses this text.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One environment variable; texts are Markdown."""

    name: str
    default: str
    """What holds where it is not set; empty: nothing."""
    meaning: str
    reader: str = ""
    """Who reads it; empty: mtlser's own code, whose files are found by themselves."""


PLACES = (
    Variable(
        "MTLSER_CACHE", "`$XDG_CACHE_HOME/mtlser`",
        "Folder of all that can be fetched or computed again: copies of `s3://` places, work "
        "folders of `s3://` outputs, results of the check of 16-bit precision.",
    ),
    Variable("XDG_CACHE_HOME", "`~/.cache`", "Parent of the cache folder."),
    Variable("TMPDIR", "`/tmp`", "Folder of temporary files.", "Python"),
    Variable(
        "PYTHONPATH", "",
        "Passed on, after mtlser's own folder, to the processes that a command starts; in an image "
        "it names the folder of the components.",
    ),
    Variable(
        "MTLSER_COMMIT", "`git describe` of the checkout",
        "Commit that reports, MLflow and `--version` name; the image sets it.",
    ),
    Variable(
        "MTLSER_WEBHOOK", "",
        "Address of the webhook: `report_outcome` posts the end of a pipeline run, `promote`, "
        "`register` and `rollback` the new champion, `mtlser-pipeline watch` what is late. "
        "A secret.",
    ),
)  # fmt: skip

MLFLOW = (
    Variable(
        "MTLSER_TRACKING", "on", "`off` (or `0`, `none`, `false`): nothing goes to MLflow.",
    ),
    Variable(
        "MTLSER_RUN", "",
        "The default of `--run`: steps with one key share one MLflow run. On a cluster: the id of "
        "the Kubeflow run.",
    ),
    Variable(
        "MLFLOW_TRACKING_URI", "`sqlite:///mlflow.db` in the current folder",
        "MLflow's store: a server or a database.",
    ),
    Variable("MLFLOW_TRACKING_USERNAME", "", "User of a server with a login.", "MLflow"),
    Variable("MLFLOW_TRACKING_PASSWORD", "", "The user's password.", "MLflow"),
    Variable("MLFLOW_REGISTRY_URI", "as `MLFLOW_TRACKING_URI`", "MLflow's model registry."),
    Variable(
        "MLFLOW_RUN_ID", "",
        "Run of this task, where Kubeflow tracks by itself; the parent of that run becomes the "
        "parent of mtlser's.",
    ),
    Variable(
        "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "`false`",
        "`true`: load and memory of the machine are logged to each fold's run.",
    ),
    Variable(
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "`false`",
        "`true`: files are fetched from addresses that the server signs, instead of from the "
        "server itself.",
    ),
    Variable(
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "`false`",
        "`true`: files are sent to such addresses.",
    ),
    Variable(
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7", "Retries of a request to the server.", "MLflow"
    ),
    Variable(
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "2",
        "Growth of the pause between these retries.", "MLflow",
    ),
    Variable(
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "`true` where the address holds a password",
        "`true`: MLflow prints no address of a run that ends.", "MLflow",
    ),
)  # fmt: skip

S3 = (
    Variable(
        "MTLSER_S3_ENDPOINT_URL", "as `AWS_ENDPOINT_URL_S3`",
        "Address of the S3 server, for mtlser alone; taken before the other three.",
    ),
    Variable(
        "MTLSER_S3_ACCESS_KEY_ID", "as `AWS_ACCESS_KEY_ID`",
        "Name of the credentials, for mtlser alone: Kubeflow's launcher, which shares a step's "
        "environment, does not read it.",
    ),
    Variable("MTLSER_S3_SECRET_ACCESS_KEY", "as `AWS_SECRET_ACCESS_KEY`", "Their secret."),
    Variable(
        "AWS_ENDPOINT_URL_S3", "as `AWS_ENDPOINT_URL`",
        "Address of the S3 server, for S3 alone; taken before the other two.",
    ),
    Variable("AWS_ENDPOINT_URL", "Amazon's", "Address of the S3 server: `http://host:8333`."),
    Variable(
        "MLFLOW_S3_ENDPOINT_URL", "",
        "MLflow's name of that address; taken where neither of the others is set.",
    ),
    Variable("AWS_ACCESS_KEY_ID", "boto3's other sources", "Name of the credentials.", "boto3"),
    Variable("AWS_SECRET_ACCESS_KEY", "boto3's other sources", "Their secret.", "boto3"),
    Variable("AWS_SESSION_TOKEN", "", "Of credentials that expire.", "boto3"),
    Variable("AWS_DEFAULT_REGION", "boto3's other sources", "Region of the server.", "boto3"),
)  # fmt: skip

KUBEFLOW = (
    Variable(
        "MTLSER_RETRIES", "0",
        "How often a step of Kubeflow is tried again in its pod after a crash; by a profile's "
        "`retry`.",
    ),
    Variable(
        "MTLSER_RETRY_PAUSE_S", "0",
        "Seconds before the first of these retries; doubles each time.",
    ),
    Variable(
        "MTLSER_ATTEMPT_S", "no limit", "Seconds after which an attempt is ended and tried again.",
    ),
    Variable(
        "MTLSER_WORK", "beside the run's artifacts",
        "Folder or `s3://` address below which the steps of a pipeline run keep their checkpoints, "
        "in a folder named by the run; a profile's `work`.",
    ),
    Variable(
        "MTLSER_CLIPS", "the output of `ingest`",
        "`s3://` address where a pipeline's `ingest` puts the audio; a profile's `clips`.",
    ),
    Variable(
        "MTLSER_MOST_CELLS", "any number",
        "Cells for which a pipeline's run has room; a compiled DAG sets it, `search` refuses more.",
    ),
    Variable(
        "MTLSER_SEARCH_STORE", "a journal in the work folder",
        "Database with the list of a search's trainings, for `mtlser search` and its workers on "
        "other machines, as SQLAlchemy writes its address. A secret.",
    ),
    Variable(
        "KF_PIPELINES_ENDPOINT", "",
        "Address of Kubeflow's API, for `submit`, `schedule`, `status`, `watch` and `logs`.",
    ),
    Variable(
        "KF_PIPELINES_NAMESPACE", "the pod's own, inside a cluster",
        "Where runs go on a server for many users.",
    ),
    Variable("KF_PIPELINES_TOKEN", "", "Bearer token. A secret."),
    Variable("KF_PIPELINES_COOKIES", "", "Cookies of a login page, as one line. A secret."),
    Variable("KF_PIPELINES_CA_CERT", "", "PEM file of the authority that signed the server."),
    Variable(
        "KF_PIPELINES_SA_TOKEN_PATH", "`/var/run/secrets/kubeflow/pipelines/token`, if there",
        "File with a service account's token, read anew for each request; `KF_PIPELINES_TOKEN` "
        "goes before it.",
    ),
    Variable(
        "KF_PIPELINES_UI_ENDPOINT", "as `KF_PIPELINES_ENDPOINT`",
        "Address of the pages that printed links lead to.", "kfp",
    ),
)  # fmt: skip

COMPUTING = (
    Variable(
        "OMP_NUM_THREADS", "the processors' number",
        "Threads of one process. `mtlser-pipeline run` sets it, `MKL_NUM_THREADS` and "
        "`OPENBLAS_NUM_THREADS` to half the cores for the steps of its loop.",
    ),
    Variable("MKL_NUM_THREADS", "as `OMP_NUM_THREADS`", "Threads of MKL alone.", "MKL"),
    Variable(
        "OPENBLAS_NUM_THREADS", "as `OMP_NUM_THREADS`", "Threads of OpenBLAS alone.", "OpenBLAS"
    ),
    Variable(
        "OMP_WAIT_POLICY", "the library's choice",
        "`passive`: waiting threads sleep; for a machine that others use too.", "OpenMP",
    ),
    Variable("CUDA_VISIBLE_DEVICES", "all", "GPUs that may be used.", "CUDA"),
    Variable(
        "CUBLAS_WORKSPACE_CONFIG", "`:4096:8` with `train.deterministic`",
        "cuBLAS' workspace; without one, its sums differ from run to run.",
    ),
    Variable(
        "ONEDNN_MAX_CPU_ISA", "", "Newest instructions that oneDNN may use; a processor bounded so "
        "has its precision checked anew.",
    ),
    Variable("DNNL_MAX_CPU_ISA", "", "The older name of the same."),
    Variable(
        "RANK", "0", "Number of this process in a training by `torchrun`, which sets it; only "
        "process 0 prints and tracks.",
    ),
    Variable(
        "WORLD_SIZE", "1", "Number of processes of a training by `torchrun`, which sets it.",
    ),
)  # fmt: skip

HUB = (
    Variable("HF_HOME", "`~/.cache/huggingface`", "Folder of fetched encoders.", "huggingface_hub"),
    Variable(
        "HF_HUB_OFFLINE", "`0`", "`1`: nothing is fetched; an encoder by hub name must be in "
        "`HF_HOME`.", "huggingface_hub",
    ),
    Variable("HF_TOKEN", "", "Token for private encoders. A secret.", "huggingface_hub"),
)  # fmt: skip

DEVELOPMENT = (
    Variable(
        "MTLSER_IMAGE", "`mtlser:VERSION`", "Image that Compose runs.", "`infra/compose.yaml`",
    ),
    Variable("MTLSER_SHARED", "", "Folder of real data; tests on it skip where unset.", "`tests/`"),
    Variable(
        "MTLSER_E2E", "", "Words after `submit` that suit a real cluster.",
        "`tests/e2e/test_cluster.py`",
    ),
    Variable(
        "MTLSER_E2E_S3", "", "`s3://` address that a test of retraining may write to.",
        "`tests/e2e/test_cluster.py`",
    ),
    Variable(
        "MTLSER_CHROMIUM", "`/usr/bin/chromium`", "Browser that opens the report.",
        "`tests/reporting/test_page_browser.py`",
    ),
)  # fmt: skip

GROUPS = {
    "Places and provenance": PLACES,
    "MLflow": MLFLOW,
    "S3": S3,
    "Kubeflow Pipelines": KUBEFLOW,
    "Processors and GPUs": COMPUTING,
    "Encoders from the Hugging Face hub": HUB,
    "Development": DEVELOPMENT,
}
"""Title -> variables, in the page's order."""
