from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.attached_file import AttachedFile
    from ..models.history_entry import HistoryEntry


T = TypeVar("T", bound="ChatRequest")


@_attrs_define
class ChatRequest:
    """A question to the model. A message, a file or an image is required.

    Example:
        {'isGuest': False, 'message': 'What are your opening hours?', 'sessionId':
            'session_20261121_093000_k3vq8mzt5wxnp2ra', 'username': 'ada'}

    Attributes:
        message (None | str | Unset): The visitor's message.
        question (None | str | Unset): The same as `message`.
        text (None | str | Unset): The same as `message`.
        voice_text (None | str | Unset): The transcript of a voice recording. It is added to the message, or replaces an
            empty one.
        image (None | str | Unset): An image for models with vision (PNG, JPEG, GIF, WebP; at most 12 MiB): an https
            address on the public
            internet, a data URL, or base64 alone. The images of one turn are on at most 16 different hosts.
        image_url (None | str | Unset): The same as `image`.
        history (list[HistoryEntry] | None | Unset): The earlier messages of the conversation, the oldest first. Of more
            than 10,000 the last ones are read.
        model (None | str | Unset): The model that answers, one of the models that the operator allows.
        persona (None | str | Unset): The id of the persona that answers, from `GET /api/personas`; without one, the
            persona that the operator has
            chosen answers, or the model without a persona.
        attached_files (list[AttachedFile] | None | Unset): Text files that the visitor has attached, at most 10,000.
        attached_content (None | str | Unset): The text of one attached file, the older form. It is added to
            `attached_files`, unless it is one of them.
        attached_filename (None | str | Unset): The name of the file in `attached_content`.
        username (None | str | Unset): The visitor's name at the site.
        isGuest (bool | None | Unset): Whether the visitor is a guest. Without a user name it is always true.
        is_guest (bool | None | Unset): The same as `isGuest`.
        sessionId (None | str | Unset): The session of this turn. The header `X-Session-ID` takes precedence.
        session_id (None | str | Unset): The same as `sessionId`.
        stream (bool | None | Unset): Whether the response is a stream of events; without this field, `Accept` decides.
    """

    message: None | str | Unset = UNSET
    question: None | str | Unset = UNSET
    text: None | str | Unset = UNSET
    voice_text: None | str | Unset = UNSET
    image: None | str | Unset = UNSET
    image_url: None | str | Unset = UNSET
    history: list[HistoryEntry] | None | Unset = UNSET
    model: None | str | Unset = UNSET
    persona: None | str | Unset = UNSET
    attached_files: list[AttachedFile] | None | Unset = UNSET
    attached_content: None | str | Unset = UNSET
    attached_filename: None | str | Unset = UNSET
    username: None | str | Unset = UNSET
    isGuest: bool | None | Unset = UNSET
    is_guest: bool | None | Unset = UNSET
    sessionId: None | str | Unset = UNSET
    session_id: None | str | Unset = UNSET
    stream: bool | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message: None | str | Unset
        if isinstance(self.message, Unset):
            message = UNSET
        else:
            message = self.message

        question: None | str | Unset
        if isinstance(self.question, Unset):
            question = UNSET
        else:
            question = self.question

        text: None | str | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        else:
            text = self.text

        voice_text: None | str | Unset
        if isinstance(self.voice_text, Unset):
            voice_text = UNSET
        else:
            voice_text = self.voice_text

        image: None | str | Unset
        if isinstance(self.image, Unset):
            image = UNSET
        else:
            image = self.image

        image_url: None | str | Unset
        if isinstance(self.image_url, Unset):
            image_url = UNSET
        else:
            image_url = self.image_url

        history: list[dict[str, Any]] | None | Unset
        if isinstance(self.history, Unset):
            history = UNSET
        elif isinstance(self.history, list):
            history = []
            for history_type_0_item_data in self.history:
                history_type_0_item = history_type_0_item_data.to_dict()
                history.append(history_type_0_item)

        else:
            history = self.history

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        persona: None | str | Unset
        if isinstance(self.persona, Unset):
            persona = UNSET
        else:
            persona = self.persona

        attached_files: list[dict[str, Any]] | None | Unset
        if isinstance(self.attached_files, Unset):
            attached_files = UNSET
        elif isinstance(self.attached_files, list):
            attached_files = []
            for attached_files_type_0_item_data in self.attached_files:
                attached_files_type_0_item = attached_files_type_0_item_data.to_dict()
                attached_files.append(attached_files_type_0_item)

        else:
            attached_files = self.attached_files

        attached_content: None | str | Unset
        if isinstance(self.attached_content, Unset):
            attached_content = UNSET
        else:
            attached_content = self.attached_content

        attached_filename: None | str | Unset
        if isinstance(self.attached_filename, Unset):
            attached_filename = UNSET
        else:
            attached_filename = self.attached_filename

        username: None | str | Unset
        if isinstance(self.username, Unset):
            username = UNSET
        else:
            username = self.username

        isGuest: bool | None | Unset
        if isinstance(self.isGuest, Unset):
            isGuest = UNSET
        else:
            isGuest = self.isGuest

        is_guest: bool | None | Unset
        if isinstance(self.is_guest, Unset):
            is_guest = UNSET
        else:
            is_guest = self.is_guest

        sessionId: None | str | Unset
        if isinstance(self.sessionId, Unset):
            sessionId = UNSET
        else:
            sessionId = self.sessionId

        session_id: None | str | Unset
        if isinstance(self.session_id, Unset):
            session_id = UNSET
        else:
            session_id = self.session_id

        stream: bool | None | Unset
        if isinstance(self.stream, Unset):
            stream = UNSET
        else:
            stream = self.stream

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if message is not UNSET:
            field_dict["message"] = message
        if question is not UNSET:
            field_dict["question"] = question
        if text is not UNSET:
            field_dict["text"] = text
        if voice_text is not UNSET:
            field_dict["voice_text"] = voice_text
        if image is not UNSET:
            field_dict["image"] = image
        if image_url is not UNSET:
            field_dict["image_url"] = image_url
        if history is not UNSET:
            field_dict["history"] = history
        if model is not UNSET:
            field_dict["model"] = model
        if persona is not UNSET:
            field_dict["persona"] = persona
        if attached_files is not UNSET:
            field_dict["attached_files"] = attached_files
        if attached_content is not UNSET:
            field_dict["attached_content"] = attached_content
        if attached_filename is not UNSET:
            field_dict["attached_filename"] = attached_filename
        if username is not UNSET:
            field_dict["username"] = username
        if isGuest is not UNSET:
            field_dict["isGuest"] = isGuest
        if is_guest is not UNSET:
            field_dict["is_guest"] = is_guest
        if sessionId is not UNSET:
            field_dict["sessionId"] = sessionId
        if session_id is not UNSET:
            field_dict["session_id"] = session_id
        if stream is not UNSET:
            field_dict["stream"] = stream

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attached_file import AttachedFile  # noqa: PLC0415
        from ..models.history_entry import HistoryEntry  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        message = _parse_message(d.pop("message", UNSET))

        def _parse_question(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        question = _parse_question(d.pop("question", UNSET))

        def _parse_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        def _parse_voice_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        voice_text = _parse_voice_text(d.pop("voice_text", UNSET))

        def _parse_image(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image = _parse_image(d.pop("image", UNSET))

        def _parse_image_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        image_url = _parse_image_url(d.pop("image_url", UNSET))

        def _parse_history(data: object) -> list[HistoryEntry] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                history_type_0 = []
                _history_type_0 = data
                for history_type_0_item_data in _history_type_0:
                    history_type_0_item = HistoryEntry.from_dict(history_type_0_item_data)

                    history_type_0.append(history_type_0_item)

                return history_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[HistoryEntry] | None | Unset, data)

        history = _parse_history(d.pop("history", UNSET))

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_persona(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        persona = _parse_persona(d.pop("persona", UNSET))

        def _parse_attached_files(data: object) -> list[AttachedFile] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                attached_files_type_0 = []
                _attached_files_type_0 = data
                for attached_files_type_0_item_data in _attached_files_type_0:
                    attached_files_type_0_item = AttachedFile.from_dict(attached_files_type_0_item_data)

                    attached_files_type_0.append(attached_files_type_0_item)

                return attached_files_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[AttachedFile] | None | Unset, data)

        attached_files = _parse_attached_files(d.pop("attached_files", UNSET))

        def _parse_attached_content(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        attached_content = _parse_attached_content(d.pop("attached_content", UNSET))

        def _parse_attached_filename(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        attached_filename = _parse_attached_filename(d.pop("attached_filename", UNSET))

        def _parse_username(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        username = _parse_username(d.pop("username", UNSET))

        def _parse_isGuest(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        isGuest = _parse_isGuest(d.pop("isGuest", UNSET))

        def _parse_is_guest(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_guest = _parse_is_guest(d.pop("is_guest", UNSET))

        def _parse_sessionId(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sessionId = _parse_sessionId(d.pop("sessionId", UNSET))

        def _parse_session_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        session_id = _parse_session_id(d.pop("session_id", UNSET))

        def _parse_stream(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        stream = _parse_stream(d.pop("stream", UNSET))

        chat_request = cls(
            message=message,
            question=question,
            text=text,
            voice_text=voice_text,
            image=image,
            image_url=image_url,
            history=history,
            model=model,
            persona=persona,
            attached_files=attached_files,
            attached_content=attached_content,
            attached_filename=attached_filename,
            username=username,
            isGuest=isGuest,
            is_guest=is_guest,
            sessionId=sessionId,
            session_id=session_id,
            stream=stream,
        )

        chat_request.additional_properties = d
        return chat_request

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
