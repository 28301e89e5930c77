"""What Redshift has and the emulator lacks. Each is refused with a message that names the emulator. Pure data.

docs/conformance.md has the whole list; its test fails if something documented is refused with another message.
"""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FUNCTIONS = _names("""
    object get_number_attributes lower_attribute_names upper_attribute_names
    object_transform text_to_int_alt text_to_numeric_alt getbit try_cast collate octetindex bpcharcmp crc32 datetime
    difference soundex checksum farmfingerprint64 fnv_hash murmur3_32_hash xxhash64 hll hll_create_sketch
    hll_cardinality hll_combine hll_combine_sketches explain_model decimal_precision decimal_scale is_bigint is_char
    is_decimal is_float is_integer is_smallint size change_query_priority change_session_priority
    change_user_priority reboot_cluster current_session_arn default_iam_role has_assumerole_privilege
    last_user_query_id pg_get_cols pg_get_grantee_by_iam_role pg_get_iam_role_by_user pg_last_unload_id
    pg_last_query_id pg_last_unload_count role_is_member_of slice_num user_is_member_of addbbox dropbbox
    geometrytype st_addpoint st_angle st_area st_asbinary st_asewkb st_asewkt st_asgeojson st_ashexewkb st_ashexwkb
    st_astext st_azimuth st_boundary st_buffer st_centroid st_collect st_contains st_containsproperly st_convexhull
    st_coveredby st_covers st_crosses st_dimension st_disjoint st_distance st_distancesphere st_dwithin st_endpoint
    st_envelope st_equals st_exteriorring st_force2d st_force3d st_force3dm st_force3dz st_force4d st_geogfromtext
    st_geogfromwkb st_geohash st_geometryn st_geometrytype st_geomfromewkb st_geomfromewkt st_geomfromgeohash
    st_geomfromgeojson st_geomfromtext st_geomfromwkb st_interiorringn st_intersection st_intersects st_isclosed
    st_iscollection st_isempty st_ispolygonccw st_ispolygoncw st_isring st_issimple st_isvalid st_length st_length2d
    st_lengthsphere st_linefrommultipoint st_lineinterpolatepoint st_m st_makeenvelope st_makeline st_makepoint
    st_makepolygon st_memsize st_mmax st_mmin st_multi st_ndims st_npoints st_nrings st_numgeometries
    st_numinteriorrings st_numpoints st_perimeter st_perimeter2d st_point st_pointn st_points st_polygon
    st_removepoint st_reverse st_setpoint st_setsrid st_simplify st_srid st_startpoint st_touches st_transform
    st_union st_within st_x st_xmax st_xmin st_y st_ymax st_ymin st_z st_zmax st_zmin supportsbbox
""")

RELATIONS = _names("""
    pg_attribute_info pg_external_schema pg_library pg_statistic_indicator pg_user_info stl_schema_quota_violations
    svcs_alert_event_log svcs_compile svcs_explain svcs_plan_info svcs_query_summary svcs_s3list svcs_s3log
    svcs_s3partition_summary svcs_s3query_summary svcs_stream_segs svcs_unload_log svl_datashare_change_log
    svl_datashare_cross_region_usage svl_datashare_usage_consumer svl_datashare_usage_producer svl_s3partition
    svl_s3partition_summary svl_spatial_simplify svl_spectrum_scan_error svv_datashare_privileges svv_iam_privileges
    svv_ml_model_privileges sys_datashare_change_log sys_datashare_usage_producer
""")

# Names that are used without parentheses.
VALUES = ("current_aws_account", "current_namespace", "current_user_id")

# The first words of statements.
STATEMENTS = (
    "create external", "alter external", "drop external", "create library", "drop library",
    "create model", "drop model", "show model", "create datashare", "alter datashare", "drop datashare",
    "desc", "show datashares", "show external", "create masking", "alter masking", "drop masking",
    "create rls", "alter rls", "drop rls", "attach", "detach", "create identity", "alter identity",
    "drop identity", "alter system", "use", "copy job",
)  # fmt: skip

CLAUSES = (
    "connect by", "group by all", "approximate percentile_disc", "* exclude", "language plpythonu",
)  # fmt: skip
