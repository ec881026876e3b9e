from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.hook_status import HookStatus
    from ..models.key_status import KeyStatus
    from ..models.model_status import ModelStatus
    from ..models.queue_status import QueueStatus


T = TypeVar("T", bound="ServiceStatus")


@_attrs_define
class ServiceStatus:
    """What a replica does now, and the state of its parts.

    Example:
        {'demo_mode': False, 'event_queue': {'dropped': 0, 'waiting': 0}, 'hooks': [{'breaker': 'closed', 'hook':
            'guard'}], 'is_database_writable': True, 'is_log_writable': True, 'is_spending_paused': False, 'keys':
            [{'age_seconds': 420, 'provider': 'openai', 'source': 'papita_api'}], 'max_turns': 1000, 'models': [{'breaker':
            'closed', 'model': 'gpt-4o-mini', 'provider': 'openai'}], 'papita_queue': {'dropped': 0, 'waiting': 0},
            'replicas': 1, 'started_at': '2026-11-29T08:12:44.000000+01:00', 'turns_running': 7, 'turns_waiting': 0,
            'version': '0.1.0'}

    Attributes:
        version (str): The version of al-chat.
        started_at (str): The time of the start.
        demo_mode (bool): Whether the built-in responder answers, because no source of a key is configured.
        is_spending_paused (bool): Whether the operator has paused all spending.
        turns_running (int): The number of turns that run now.
        turns_waiting (int): The number of turns that wait for a place.
        max_turns (int): The largest number of turns that run at once.
        models (list[ModelStatus]): The models that turns may call.
        hooks (list[HookStatus]): The hooks that turns ask.
        keys (list[KeyStatus]): The keys of the providers, without the keys themselves.
        papita_queue (QueueStatus): Records that wait to be sent.
        event_queue (QueueStatus): Records that wait to be sent.
        is_log_writable (bool): Whether the session log can be written. If not, turns are refused.
        is_database_writable (bool): Whether the database can be written. If not, turns are refused.
        replicas (int): The number of processes that use the database, this one included.
    """

    version: str
    started_at: str
    demo_mode: bool
    is_spending_paused: bool
    turns_running: int
    turns_waiting: int
    max_turns: int
    models: list[ModelStatus]
    hooks: list[HookStatus]
    keys: list[KeyStatus]
    papita_queue: QueueStatus
    event_queue: QueueStatus
    is_log_writable: bool
    is_database_writable: bool
    replicas: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        version = self.version

        started_at = self.started_at

        demo_mode = self.demo_mode

        is_spending_paused = self.is_spending_paused

        turns_running = self.turns_running

        turns_waiting = self.turns_waiting

        max_turns = self.max_turns

        models = []
        for models_item_data in self.models:
            models_item = models_item_data.to_dict()
            models.append(models_item)

        hooks = []
        for hooks_item_data in self.hooks:
            hooks_item = hooks_item_data.to_dict()
            hooks.append(hooks_item)

        keys = []
        for keys_item_data in self.keys:
            keys_item = keys_item_data.to_dict()
            keys.append(keys_item)

        papita_queue = self.papita_queue.to_dict()

        event_queue = self.event_queue.to_dict()

        is_log_writable = self.is_log_writable

        is_database_writable = self.is_database_writable

        replicas = self.replicas

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "version": version,
                "started_at": started_at,
                "demo_mode": demo_mode,
                "is_spending_paused": is_spending_paused,
                "turns_running": turns_running,
                "turns_waiting": turns_waiting,
                "max_turns": max_turns,
                "models": models,
                "hooks": hooks,
                "keys": keys,
                "papita_queue": papita_queue,
                "event_queue": event_queue,
                "is_log_writable": is_log_writable,
                "is_database_writable": is_database_writable,
                "replicas": replicas,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.hook_status import HookStatus  # noqa: PLC0415
        from ..models.key_status import KeyStatus  # noqa: PLC0415
        from ..models.model_status import ModelStatus  # noqa: PLC0415
        from ..models.queue_status import QueueStatus  # noqa: PLC0415

        d = dict(src_dict)
        version = d.pop("version")

        started_at = d.pop("started_at")

        demo_mode = d.pop("demo_mode")

        is_spending_paused = d.pop("is_spending_paused")

        turns_running = d.pop("turns_running")

        turns_waiting = d.pop("turns_waiting")

        max_turns = d.pop("max_turns")

        models = []
        _models = d.pop("models")
        for models_item_data in _models:
            models_item = ModelStatus.from_dict(models_item_data)

            models.append(models_item)

        hooks = []
        _hooks = d.pop("hooks")
        for hooks_item_data in _hooks:
            hooks_item = HookStatus.from_dict(hooks_item_data)

            hooks.append(hooks_item)

        keys = []
        _keys = d.pop("keys")
        for keys_item_data in _keys:
            keys_item = KeyStatus.from_dict(keys_item_data)

            keys.append(keys_item)

        papita_queue = QueueStatus.from_dict(d.pop("papita_queue"))

        event_queue = QueueStatus.from_dict(d.pop("event_queue"))

        is_log_writable = d.pop("is_log_writable")

        is_database_writable = d.pop("is_database_writable")

        replicas = d.pop("replicas")

        service_status = cls(
            version=version,
            started_at=started_at,
            demo_mode=demo_mode,
            is_spending_paused=is_spending_paused,
            turns_running=turns_running,
            turns_waiting=turns_waiting,
            max_turns=max_turns,
            models=models,
            hooks=hooks,
            keys=keys,
            papita_queue=papita_queue,
            event_queue=event_queue,
            is_log_writable=is_log_writable,
            is_database_writable=is_database_writable,
            replicas=replicas,
        )

        service_status.additional_properties = d
        return service_status

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
