"""IAM: roles and policies. The AWS server enforces them for every signed call of a function."""

from __future__ import annotations

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource("aws:iam/role:Role", {"forceDetachPolicies": "the local cloud is deleted as a whole"})
def role(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    trust = item.need("assumeRolePolicy")
    inline, managed = item.take("inlinePolicies", []), item.take("managedPolicyArns", [])
    response = context.aws.call(
        "iam", "create_role", item.rest(), RoleName=name, AssumeRolePolicyDocument=trust
    )["Role"]
    iam = context.aws.client("iam")
    for policy in inline:
        iam.put_role_policy(
            RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"]
        )
    for arn in managed:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    return Created(name, {"arn": response["Arn"], "name": name, "uniqueId": response["RoleId"]})


@resource("aws:iam/rolePolicy:RolePolicy")
def role_policy(context: Context, item: Resource) -> Created:
    owner, name = item.need("role"), item.physical_name()
    context.aws.client("iam").put_role_policy(
        RoleName=owner, PolicyName=name, PolicyDocument=item.need("policy")
    )
    return Created(f"{owner}:{name}", {"name": name})


@resource("aws:iam/policy:Policy")
def policy(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    document = item.need("policy")
    response = context.aws.call(
        "iam", "create_policy", item.rest(), PolicyName=name, PolicyDocument=document
    )["Policy"]
    return Created(response["Arn"], {"arn": response["Arn"], "name": name})


@resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
def role_policy_attachment(context: Context, item: Resource) -> Created:
    owner, arn = item.need("role"), item.need("policyArn")
    context.aws.client("iam").attach_role_policy(RoleName=owner, PolicyArn=arn)
    return Created(f"{owner}-{arn}")
