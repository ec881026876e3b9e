from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.feedback_rating import FeedbackRating
from ..models.feedback_status import FeedbackStatus

T = TypeVar("T", bound="FeedbackRecorded")


@_attrs_define
class FeedbackRecorded:
    """Feedback that is recorded.

    Example:
        {'has_comment': True, 'rating': 'down', 'status': 'recorded', 'takes_comments': True, 'timestamp':
            '2026-11-21T09:41:07.250000+01:00'}

    Attributes:
        status (FeedbackStatus): Always `recorded`.
        rating (FeedbackRating): A rating: `up` for a good answer, `down` for a bad one.
        has_comment (bool): Whether a comment is kept. It is not if the session log has no texts, or if those of the
            turn were erased.
        takes_comments (bool): Whether a comment on this answer would be kept, so that it makes sense to ask for one.
        timestamp (datetime.datetime): The time of the request, RFC 3339.
    """

    status: FeedbackStatus
    rating: FeedbackRating
    has_comment: bool
    takes_comments: bool
    timestamp: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        rating = self.rating.value

        has_comment = self.has_comment

        takes_comments = self.takes_comments

        timestamp = self.timestamp.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "rating": rating,
                "has_comment": has_comment,
                "takes_comments": takes_comments,
                "timestamp": timestamp,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = FeedbackStatus(d.pop("status"))

        rating = FeedbackRating(d.pop("rating"))

        has_comment = d.pop("has_comment")

        takes_comments = d.pop("takes_comments")

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        feedback_recorded = cls(
            status=status,
            rating=rating,
            has_comment=has_comment,
            takes_comments=takes_comments,
            timestamp=timestamp,
        )

        feedback_recorded.additional_properties = d
        return feedback_recorded

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
