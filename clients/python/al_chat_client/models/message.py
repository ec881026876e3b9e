from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.message_sender import MessageSender
from ..models.message_status import MessageStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.answer_source import AnswerSource


T = TypeVar("T", bound="Message")


@_attrs_define
class Message:
    """A message of a stored chat.

    Example:
        {'chat_id': 3, 'created_at': '2026-11-21T09:30:00.417000+01:00', 'id': 12, 'image': None, 'image_url': None,
            'sender': 'user', 'status': 'complete', 'text': 'What are your opening hours?', 'time':
            '2026-11-21T09:30:00.417000+01:00', 'user_id': 7, 'who': 'user'}

    Attributes:
        id (int): The message's number.
        text (str): The text of the message.
        sender (MessageSender): The sender of a message in a stored chat: its owner, or the model.
        created_at (datetime.datetime): The time of the message, RFC 3339.
        status (MessageStatus): The status of a message: `complete`; a user's message is `pending` while it is being
            answered, and `failed` if it was not, and can then be retried.
        chat_id (int): The number of the message's chat.
        user_id (int): The account that owns the chat.
        who (str): The same as `sender`.
        time (datetime.datetime): The same as `created_at`.
        image_url (None | str | Unset): The image of the message, as its address or a data URL; null without one.
        image_omitted (bool | Unset): True if the message has an image that is left out, because a list holds at most 16
            MiB of images, the latest
            ones. `GET /api/messages/{message_id}` returns it.
        sources (list[AnswerSource] | Unset): The pages that an answer is based on, in the order of their importance.
        image (None | str | Unset): The same as `image_url`.
    """

    id: int
    text: str
    sender: MessageSender
    created_at: datetime.datetime
    status: MessageStatus
    chat_id: int
    user_id: int
    who: str
    time: datetime.datetime
    image_url: None | str | Unset = UNSET
    image_omitted: bool | Unset = UNSET
    sources: list[AnswerSource] | Unset = UNSET
    image: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        text = self.text

        sender = self.sender.value

        created_at = self.created_at.isoformat()

        status = self.status.value

        chat_id = self.chat_id

        user_id = self.user_id

        who = self.who

        time = self.time.isoformat()

        image_url: None | str | Unset
        if isinstance(self.image_url, Unset):
            image_url = UNSET
        else:
            image_url = self.image_url

        image_omitted = self.image_omitted

        sources: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.sources, Unset):
            sources = []
            for sources_item_data in self.sources:
                sources_item = sources_item_data.to_dict()
                sources.append(sources_item)

        image: None | str | Unset
        if isinstance(self.image, Unset):
            image = UNSET
        else:
            image = self.image

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "text": text,
                "sender": sender,
                "created_at": created_at,
                "status": status,
                "chat_id": chat_id,
                "user_id": user_id,
                "who": who,
                "time": time,
            }
        )
        if image_url is not UNSET:
            field_dict["image_url"] = image_url
        if image_omitted is not UNSET:
            field_dict["image_omitted"] = image_omitted
        if sources is not UNSET:
            field_dict["sources"] = sources
        if image is not UNSET:
            field_dict["image"] = image

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.answer_source import AnswerSource  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        text = d.pop("text")

        sender = MessageSender(d.pop("sender"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        status = MessageStatus(d.pop("status"))

        chat_id = d.pop("chat_id")

        user_id = d.pop("user_id")

        who = d.pop("who")

        time = datetime.datetime.fromisoformat(d.pop("time"))

        def _parse_image_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image_url = _parse_image_url(d.pop("image_url", UNSET))

        image_omitted = d.pop("image_omitted", UNSET)

        _sources = d.pop("sources", UNSET)
        sources: list[AnswerSource] | Unset = UNSET
        if _sources is not UNSET:
            sources = []
            for sources_item_data in _sources:
                sources_item = AnswerSource.from_dict(sources_item_data)

                sources.append(sources_item)

        def _parse_image(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image = _parse_image(d.pop("image", UNSET))

        message = cls(
            id=id,
            text=text,
            sender=sender,
            created_at=created_at,
            status=status,
            chat_id=chat_id,
            user_id=user_id,
            who=who,
            time=time,
            image_url=image_url,
            image_omitted=image_omitted,
            sources=sources,
            image=image,
        )

        message.additional_properties = d
        return message

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
