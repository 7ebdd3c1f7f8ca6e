"""Makes the S3 buckets that the arguments name, where they are absent."""

import sys

import boto3

s3 = boto3.client("s3")
existing = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
for name in sys.argv[1:]:
    if name not in existing:
        s3.create_bucket(Bucket=name)
