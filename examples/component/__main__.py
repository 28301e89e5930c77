"""A company's own program: two loaders beside its VPC and its warehouse.

Run it from a checkout of this project: PYTHONPATH=. (see README.md in this folder).
"""

import pulumi
import pulumi_aws as aws

from infra.lake_loader import LakeLoader, LakeLoaderArgs
from infra.network import ExistingNetwork
from infra.stack_settings import StackSettings
from infra.warehouse import ExistingWarehouse

company = pulumi.Config("company")

# What the company has already. In a real program these are its own resources or stack references.
vpc = aws.ec2.get_vpc(tags={"Name": company.require("vpcName")})
subnets = aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [vpc.id]}])
warehouse = aws.redshift.get_cluster(cluster_identifier=company.require("cluster"))
functions = aws.ec2.SecurityGroup(
    "loader-functions",
    description="Functions of the loaders",
    vpc_id=vpc.id,
    egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
)
aws.vpc.SecurityGroupIngressRule(
    "loader-functions-to-warehouse",
    security_group_id=warehouse.vpc_security_group_ids[0],
    referenced_security_group_id=functions.id,
    ip_protocol="tcp",
    from_port=warehouse.port,
    to_port=warehouse.port,
)
network = ExistingNetwork(vpc_id=vpc.id, subnet_ids=subnets.ids, security_group_ids=[functions.id])

for team, database in (("sales", "sales"), ("finance", "finance")):
    loader = LakeLoader(
        f"lake-{team}",
        LakeLoaderArgs(
            settings=StackSettings(databases=(database,), alarmEmail=f"{team}@example.com"),
            warehouse=ExistingWarehouse(
                host=warehouse.endpoint,
                port=warehouse.port,
                cluster=warehouse.cluster_identifier,
            ),
            network=network,
        ),
    )
    for key, value in loader.outputs.items():
        pulumi.export(f"{team}_{key}", value)
