"""Plans as stories (plans/*.sql), and all their SQL before the judge.

ETL_WRITE_PLANS=1 writes the files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.plan import make_plan
from tests.etl_core.live import LiveTable
from tests.etl_core.schema_changes.stories import Story, stories

STORIES = stories()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.path.stem)
def test_a_plan_is_as_its_story_tells(story: Story) -> None:
    if os.environ.get("ETL_WRITE_PLANS"):
        story.path.write_text(story.told())
        return
    assert story.path.read_text() == story.told()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.path.stem)
def test_the_judge_accepts_every_statement_of_a_story(live: LiveTable, story: Story) -> None:
    if story.actual is None:
        live.create(story.desired)
        assert diff(live.read(), story.desired) == ()
        return
    plan = make_plan(live.create(story.actual), story.desired, story.spec.allowed_changes)

    assert [one.sql for one in plan.statements] == [one.sql for one in story.plan().statements]
    if not plan.refusals:
        assert live.apply(plan) is None
        assert diff(live.read(), story.desired) == ()


def test_what_a_refusal_asks_for_is_enough() -> None:
    """A story that is refused for a missing permission has a plan once the file lists it."""
    asked = [
        story
        for story in STORIES
        if any("in allowed_changes" in str(refusal) for refusal in story.plan().refusals)
    ]
    for story in asked:
        granted = replace(
            story,
            spec=story.spec.model_copy(
                update={"allowed_changes": ("retype", "nullability", "default", "drop", "narrow")}
            ),
        )
        assert not any("in allowed_changes" in str(refusal) for refusal in granted.plan().refusals)
    assert len(asked) >= 5
