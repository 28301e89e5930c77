"""The Redshift Data API: SQL over HTTP, asynchronously, as boto3's `redshift-data` client calls it.

    http                 the HTTP server: one request in, one JSON object out
    operations           the operations, each from a request to a response
    requests             parse and check what a request contains
    statements           all submitted statements: client tokens, lists, expiry
    run                  one submitted request while it runs in a session of its own
    results              result sets as the API shows them
    errors               the errors of the API

Sources: the service model `redshift-data` in botocore, data-api, data-api-calling.
"""
