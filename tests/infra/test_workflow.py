from tests.infra.engine import Stack

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
MACHINE = "aws:sfn/stateMachine:StateMachine"
QUEUE = "aws:sqs/queue:Queue"
POLICY = "aws:iam/rolePolicy:RolePolicy"
TABLE_ARN = "arn:aws:dynamodb:eu-central-1:123456789012:Table/redshift-lake-loader-dev-"
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:Function/redshift-lake-loader-dev-"


def test_the_state_machine_can_invoke_its_functions_read_two_tables_and_send_notices(plain: Stack):
    statements = {
        s["Sid"]: s for s in plain.one(POLICY, "-workflow-machine").json("policy")["Statement"]
    }
    invoke = statements.pop("InvokeFunctions")
    assert invoke["Action"] == ["lambda:InvokeFunction"]
    assert invoke["Resource"] == [f"{FUNCTION_ARN}{name}" for name in ("load", "record", "staging")]
    look = statements.pop("Look")
    assert look["Action"] == ["dynamodb:BatchGetItem"]
    assert look["Resource"] == [f"{TABLE_ARN}leases", f"{TABLE_ARN}log"]
    claim, put, publish = (
        statements.pop(sid) for sid in ("ClaimNotices", "PutNotices", "PublishNotices")
    )
    assert (claim["Action"], claim["Resource"]) == (["dynamodb:UpdateItem"], [f"{TABLE_ARN}log"])
    assert publish["Resource"] == [plain.outputs["notice_topic_arn"]]
    assert put["Resource"] == ["arn:aws:events:eu-central-1:123456789012:event-bus/default"]
    assert put["Condition"] == {
        "StringEquals": {
            "events:source": "redshift-lake-loader",
            "events:detail-type": "Upload Refused",
        }
    }
    assert set(statements) == {"DeliverLogs"}
    assert all(action.startswith("logs:") for action in statements["DeliverLogs"]["Action"])


def test_the_role_can_invoke_exactly_the_functions_in_the_definition(plain: Stack):
    states = plain.one(MACHINE).json("definition")["States"].values()
    named = {state["Resource"] for state in states if ":lambda:" in state.get("Resource", "")}
    statements = plain.one(POLICY, "-workflow-machine").json("policy")["Statement"]
    assert named == {
        arn for s in statements if "lambda:InvokeFunction" in s["Action"] for arn in s["Resource"]
    }


def test_the_state_machine_looks_at_the_deployed_tables(plain: Stack):
    look = plain.one(MACHINE).json("definition")["States"]["Look"]
    assert set(look["Arguments"]["RequestItems"]) == {
        plain.outputs["log_table"],
        "redshift-lake-loader-dev-leases",
    }


def test_the_rule_can_start_only_this_state_machine(plain: Stack):
    (statement,) = plain.one(POLICY, "-workflow-starter").json("policy")["Statement"]
    assert statement["Action"] == ["states:StartExecution"]
    assert statement["Resource"] == [plain.outputs["state_machine_arn"]]
    (trust,) = plain.one("aws:iam/role:Role", "-workflow-starter").json("assumeRolePolicy")[
        "Statement"
    ]
    assert trust["Principal"] == {"Service": ["events.amazonaws.com"]}


def test_roles_have_their_policies_before_they_are_used(any_stack: Stack):
    assert any_stack.one(MACHINE).depends_on(any_stack.one(POLICY, "-workflow-machine"))
    assert any_stack.one(TARGET, "-workflow").depends_on(any_stack.one(POLICY, "-workflow-starter"))


def test_an_event_of_the_lake_starts_the_state_machine(plain: Stack):
    rule, target = plain.one(RULE, "-workflow"), plain.one(TARGET, "-workflow")
    assert rule.json("eventPattern")["detail"]["bucket"]["name"] == [plain.outputs["lake_bucket"]]
    assert target.inputs["rule"] == rule.name
    assert target.inputs["arn"] == plain.outputs["state_machine_arn"]
    assert target.inputs["roleArn"].endswith("-workflow-starter")
    assert not {"input", "inputPath", "inputTransformer"} & set(target.inputs), (
        "the state machine gets the whole event, and nothing that marks it as a replay"
    )


def test_undelivered_events_go_to_a_queue_that_accepts_messages_of_this_rule_only(
    plain: Stack,
):
    target, queue = plain.one(TARGET, "-workflow"), plain.one(QUEUE)
    queue_arn = f"arn:aws:sqs:eu-central-1:123456789012:Queue/{queue.name}"
    assert target.inputs["deadLetterConfig"] == {"arn": queue_arn}
    assert target.inputs["retryPolicy"] == {
        "maximumEventAgeInSeconds": 86400,
        "maximumRetryAttempts": 185,
    }
    policy = plain.one("aws:sqs/queuePolicy:QueuePolicy")
    (statement,) = policy.json("policy")["Statement"]
    assert statement["Resource"] == [queue_arn]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(
        plain.one(RULE, "-workflow").name
    )
    assert policy.inputs["queueUrl"] == plain.outputs["dead_letter_queue_url"]


def test_dead_letters_are_encrypted_and_kept_for_two_weeks(any_stack: Stack):
    queue = any_stack.one(QUEUE).inputs
    assert queue["messageRetentionSeconds"] == 14 * 86400
    assert queue["sqsManagedSseEnabled"] is True


def test_executions_are_logged_without_their_data(plain: Stack):
    machine = plain.one(MACHINE)
    logging = machine.inputs["loggingConfiguration"]
    assert logging["includeExecutionData"] is False
    assert logging["level"] == "ERROR"
    assert logging["logDestination"].endswith("-workflow-logs:*")
    logs = plain.one("aws:cloudwatch/logGroup:LogGroup", "-workflow-logs")
    assert machine.depends_on(logs)
    assert logs.inputs["name"].startswith("/aws/vendedlogs/states/")
    assert machine.inputs["type"] == "STANDARD"
