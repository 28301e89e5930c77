"""What would keep `pulumi up` from creating the stack, judged from what was read of the account. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from etl_cli.doctor.account_evidence import AccountEvidence, Caller, Quota
from etl_cli.doctor.evidence import Concurrency
from etl_cli.doctor.findings import Finding, Missing, Unread, absent, broken, ok, unchecked
from infra.combinations import MIN_ZONES, OTHER_ADDRESSES, addresses_for
from infra.setting_kinds import NetworkKind, WarehouseKind

ROLES_OF_A_STACK = 20
"""At most: one for each function, the workflow, the rule, COPY, the schedules, snapshots and the flow log."""
KEPT_FUNCTIONS = 100
"""Lambda keeps so many functions unreserved (Lambda developer guide, "Configuring reserved concurrency")."""
_LOG_IN = "Log in to AWS"
_SHOWN = 8


def check_account(evidence: AccountEvidence) -> Iterator[Finding]:
    """Yield a finding for each thing that `pulumi up` needs."""
    yield _account(evidence)
    if evidence.plan.settings.network is NetworkKind.CREATE:
        yield _zones(evidence)
        yield _ranges(evidence)
        yield _networks(evidence)
    else:
        yield from _joined_network(evidence)
    yield _roles(evidence)
    yield _functions(evidence)
    if evidence.plan.settings.warehouse_kind is not WarehouseKind.EXISTING:
        yield _service_role(evidence)
    yield _rights(evidence)


def _account(evidence: AccountEvidence) -> Finding:
    check, caller, allowed = "account and region", evidence.caller, evidence.plan.allowed_accounts
    if not isinstance(caller, Caller):
        return absent(check, evidence.plan.region, caller, _LOG_IN)
    subject = f"{caller.account} {evidence.plan.region}"
    if allowed and caller.account not in allowed:
        return broken(
            check,
            subject,
            f"aws:allowedAccountIds has {', '.join(allowed)}, but your AWS credentials are for {caller.account}",
            "Use credentials for an allowed account, for example with AWS_PROFILE",
        )
    return ok(check, subject, caller.arn)


def _zones(evidence: AccountEvidence) -> Finding:
    check, plan = "availability zones", evidence.plan
    known = {what: found for what, found in evidence.zones.items() if isinstance(found, frozenset)}
    common = frozenset.intersection(*known.values()) if known else frozenset()
    shown = ", ".join(sorted(common)) or "none"
    if known and len(common) < MIN_ZONES:
        return broken(
            check,
            plan.region,
            f"{len(common)} zone(s) have {', '.join(known)}: {shown}; the network needs {MIN_ZONES}",
            "Choose another region: pulumi config set aws:region <region>",
        )
    if known and (wrong := sorted(set(plan.settings.zones) - common)):
        return broken(
            check,
            plan.region,
            f"zones has {', '.join(wrong)}; Redshift and the interface endpoints are in {shown}",
            "Set other zones: pulumi config set --path 'zones[0]' <zone>",
        )
    for what, zones in evidence.zones.items():
        if not isinstance(zones, frozenset):
            fix = "Choose another region: pulumi config set aws:region <region>"
            return absent(check, f"{what} in {plan.region}", zones, fix)
    return ok(check, plan.region, shown)


def _ranges(evidence: AccountEvidence) -> Finding:
    """Return which VPCs the range overlaps: AWS allows that, but the networks cannot be peered."""
    check, wanted = "address range", evidence.plan.settings.vpc_cidr
    if isinstance(evidence.networks, Missing | Unread):
        return absent(check, str(wanted), evidence.networks, _LOG_IN)
    same = [
        f"{name} ({text})"
        for name, text in evidence.networks.items()
        if ip_network(text).overlaps(wanted)
    ]
    note = f"it overlaps {', '.join(same[:_SHOWN])}, with which the network cannot be peered"
    return ok(check, str(wanted), note if same else "")


def _networks(evidence: AccountEvidence) -> Finding:
    check, limit = "quota of VPCs", evidence.network_limit
    if isinstance(evidence.networks, Missing | Unread):
        return absent(check, evidence.plan.region, evidence.networks, _LOG_IN)
    if not isinstance(limit, int):
        reason = limit.reason if isinstance(limit, Unread) else "the region has no such quota"
        return unchecked(check, evidence.plan.region, reason)
    used = len(evidence.networks)
    if used < limit:
        return ok(check, evidence.plan.region, f"{used} of {limit} are used")
    return broken(
        check,
        evidence.plan.region,
        f"{used} of {limit} are used, and the stack creates one",
        "Ask for more: aws service-quotas request-service-quota-increase --service-code vpc "
        f"--quota-code L-F678F1CE --desired-value {used + 5}; or set network to existing",
    )


def _joined_network(evidence: AccountEvidence) -> Iterator[Finding]:
    settings, check = evidence.plan.settings, "subnets"
    if not isinstance(evidence.subnets, tuple):
        yield absent(check, settings.vpc_id or "", evidence.subnets, _LOG_IN)
    else:
        yield _subnets(evidence)
    check, groups = "security groups", evidence.groups
    if isinstance(groups, Missing | Unread):
        yield absent(check, settings.vpc_id or "", groups, _LOG_IN)
        return
    wrong = [each for each in settings.security_group_ids if groups.get(each) != settings.vpc_id]
    subject = ", ".join(settings.security_group_ids)
    if wrong:
        detail = f"{', '.join(wrong)} is not in {settings.vpc_id}"
        yield broken(check, subject, detail, "Correct vpcId or securityGroupIds")
    else:
        yield ok(check, subject)


def _subnets(evidence: AccountEvidence) -> Finding:
    settings, found = evidence.plan.settings, evidence.subnets
    subnets = found if isinstance(found, tuple) else ()
    known = {each.id for each in subnets if each.vpc == settings.vpc_id}
    check, subject = "subnets", ", ".join(settings.subnet_ids)
    if wrong := [each for each in settings.subnet_ids if each not in known]:
        detail = f"{', '.join(wrong)} is not in {settings.vpc_id}"
        return broken(check, subject, detail, "Correct vpcId or subnetIds")
    is_serverless = settings.warehouse_kind is WarehouseKind.SERVERLESS
    zones = {each.zone for each in subnets}
    if is_serverless and len(zones) < MIN_ZONES:
        return broken(
            check,
            subject,
            f"they are in {len(zones)} zone(s); Redshift Serverless needs {MIN_ZONES}",
            "Add subnets in other zones: pulumi config set --path 'subnetIds[2]' <subnet-...>",
        )
    needed = OTHER_ADDRESSES
    if is_serverless:
        needed += addresses_for(settings.warehouse_base_capacity)
    full = [
        f"{each.id} ({each.free_addresses})" for each in subnets if each.free_addresses < needed
    ]
    if full:
        return broken(
            check,
            subject,
            f"too few free addresses in {', '.join(full)}; the warehouse and the functions need {needed}",
            "Choose larger subnets, or a smaller warehouseBaseCapacity",
        )
    return ok(check, subject)


def _roles(evidence: AccountEvidence) -> Finding:
    check, quota = "quota of IAM roles", evidence.roles
    subject = evidence.caller.account if isinstance(evidence.caller, Caller) else ""
    if not isinstance(quota, Quota):
        return absent(check, subject, quota, _LOG_IN)
    if quota.used + ROLES_OF_A_STACK <= quota.limit:
        return ok(check, subject, f"{quota.used} of {quota.limit} are used")
    return broken(
        check,
        subject,
        f"{quota.used} of {quota.limit} are used, and the stack creates up to {ROLES_OF_A_STACK}",
        "Delete roles that nobody uses, or ask for more in Service Quotas (IAM, roles per account)",
    )


def _functions(evidence: AccountEvidence) -> Finding:
    check, limit, settings = (
        "functions at the same time",
        evidence.concurrency,
        evidence.plan.settings,
    )
    if not isinstance(limit, Concurrency):
        return absent(check, evidence.plan.region, limit, _LOG_IN)
    reserved = settings.load_concurrency + settings.record_concurrency
    detail = f"{limit.unreserved} of {limit.limit} are unreserved"
    if reserved and limit.unreserved - reserved < KEPT_FUNCTIONS:
        return broken(
            check,
            evidence.plan.region,
            f"{detail}; loadConcurrency and recordConcurrency reserve {reserved}, and AWS keeps {KEPT_FUNCTIONS}",
            "Set both to 0, or ask AWS for a higher quota (Lambda, concurrent executions)",
        )
    if not settings.load_concurrency and settings.max_parallel_loads >= limit.unreserved:
        return broken(
            check,
            evidence.plan.region,
            f"{detail}; {settings.max_parallel_loads} loads at the same time leave none for the other functions",
            "Set a smaller maxParallelLoads, or ask AWS for a higher quota (Lambda, concurrent executions)",
        )
    return ok(check, evidence.plan.region, detail)


def _service_role(evidence: AccountEvidence) -> Finding:
    check, role = "service-linked role of Redshift", evidence.service_role
    name = "AWSServiceRoleForRedshift"
    if isinstance(role, str):
        return ok(check, name)
    if isinstance(role, Unread):
        return unchecked(check, name, role.reason)
    if evidence.permissions.get("iam:CreateServiceLinkedRole") is False:
        return broken(
            check,
            name,
            "it does not exist, and you may not create it (iam:CreateServiceLinkedRole)",
            "Have an administrator run: aws iam create-service-linked-role --aws-service-name redshift.amazonaws.com",
        )
    return ok(check, name, "it does not exist; AWS creates it with the warehouse")


def _rights(evidence: AccountEvidence) -> Finding:
    check, caller = "rights of the deployer", evidence.caller
    if not isinstance(caller, Caller):
        return absent(check, "", caller, _LOG_IN)
    if caller.is_root:
        return ok(check, caller.arn, "the root user may do everything; IAM cannot simulate it")
    known = evidence.permissions
    denied = sorted(action for action, value in known.items() if value is False)
    if denied:
        more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
        return broken(
            check,
            caller.arn,
            f"the policies do not allow {', '.join(denied[:_SHOWN])}{more}",
            "Have an administrator allow them, or deploy as another user or role",
        )
    reasons = [value.reason for value in known.values() if isinstance(value, Unread)]
    if reasons or not known:
        return unchecked(check, caller.arn, reasons[0] if reasons else "nothing was simulated")
    return ok(check, caller.arn, f"{len(known)} actions simulated")
