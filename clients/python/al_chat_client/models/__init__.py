"""Contains all the data models used in inputs/outputs"""

from .account import Account
from .answer_source import AnswerSource
from .attached_file import AttachedFile
from .breaker import Breaker
from .change_password_request import ChangePasswordRequest
from .chat import Chat
from .chat_answer import ChatAnswer
from .chat_completion import ChatCompletion
from .chat_completion_choice import ChatCompletionChoice
from .chat_completion_content_part import ChatCompletionContentPart
from .chat_completion_content_part_type import ChatCompletionContentPartType
from .chat_completion_finish_reason import ChatCompletionFinishReason
from .chat_completion_image_detail import ChatCompletionImageDetail
from .chat_completion_image_url import ChatCompletionImageUrl
from .chat_completion_message import ChatCompletionMessage
from .chat_completion_message_role import ChatCompletionMessageRole
from .chat_completion_object import ChatCompletionObject
from .chat_completion_request import ChatCompletionRequest
from .chat_completion_request_message import ChatCompletionRequestMessage
from .chat_completion_request_role import ChatCompletionRequestRole
from .chat_completion_response_format import ChatCompletionResponseFormat
from .chat_completion_response_format_type import ChatCompletionResponseFormatType
from .chat_completion_stream_options import ChatCompletionStreamOptions
from .chat_completion_usage import ChatCompletionUsage
from .chat_delta import ChatDelta
from .chat_delta_event import ChatDeltaEvent
from .chat_delta_event_name import ChatDeltaEventName
from .chat_done_event import ChatDoneEvent
from .chat_done_event_name import ChatDoneEventName
from .chat_error_event import ChatErrorEvent
from .chat_error_event_name import ChatErrorEventName
from .chat_request import ChatRequest
from .chat_start import ChatStart
from .chat_start_event import ChatStartEvent
from .chat_start_event_name import ChatStartEventName
from .chat_summary import ChatSummary
from .confirmation import Confirmation
from .create_chat_request import CreateChatRequest
from .credential_source import CredentialSource
from .credentials_info import CredentialsInfo
from .day_figures import DayFigures
from .embed_ticket import EmbedTicket
from .error_body import ErrorBody
from .error_body_details import ErrorBodyDetails
from .error_code import ErrorCode
from .export_format import ExportFormat
from .feedback_rating import FeedbackRating
from .feedback_recorded import FeedbackRecorded
from .feedback_request import FeedbackRequest
from .feedback_status import FeedbackStatus
from .finish_reason import FinishReason
from .found_message import FoundMessage
from .handover_accepted import HandoverAccepted
from .handover_request import HandoverRequest
from .handover_status import HandoverStatus
from .health import Health
from .health_status import HealthStatus
from .history_entry import HistoryEntry
from .history_role import HistoryRole
from .hook_status import HookStatus
from .image_answer import ImageAnswer
from .key_status import KeyStatus
from .limit_scope import LimitScope
from .limit_unit import LimitUnit
from .limit_window import LimitWindow
from .liveness import Liveness
from .liveness_status import LivenessStatus
from .log_report import LogReport
from .log_report_figures import LogReportFigures
from .log_report_figures_errors_by_code import LogReportFiguresErrorsByCode
from .log_report_figures_failed_calls import LogReportFiguresFailedCalls
from .log_report_figures_finish import LogReportFiguresFinish
from .log_report_figures_key_lookups import LogReportFiguresKeyLookups
from .log_report_figures_key_sources import LogReportFiguresKeySources
from .log_report_group import LogReportGroup
from .log_report_grouping import LogReportGrouping
from .log_report_percentiles import LogReportPercentiles
from .logged_in import LoggedIn
from .logged_session import LoggedSession
from .logged_turn import LoggedTurn
from .login_request import LoginRequest
from .message import Message
from .message_exchange import MessageExchange
from .message_sender import MessageSender
from .message_status import MessageStatus
from .model_info import ModelInfo
from .model_status import ModelStatus
from .model_test import ModelTest
from .model_test_status import ModelTestStatus
from .no_texts import NoTexts
from .open_ai_error import OpenAiError
from .open_ai_error_body import OpenAiErrorBody
from .open_ai_error_type import OpenAiErrorType
from .open_ai_model import OpenAiModel
from .open_ai_model_list import OpenAiModelList
from .open_ai_model_list_object import OpenAiModelListObject
from .open_ai_model_object import OpenAiModelObject
from .overview import Overview
from .password_changed import PasswordChanged
from .persona import Persona
from .portal_answer import PortalAnswer
from .portal_done import PortalDone
from .portal_history import PortalHistory
from .portal_message import PortalMessage
from .portal_request import PortalRequest
from .portal_role import PortalRole
from .portal_status import PortalStatus
from .provider_account import ProviderAccount
from .provider_account_status import ProviderAccountStatus
from .queue_status import QueueStatus
from .readiness import Readiness
from .readiness_status import ReadinessStatus
from .register_request import RegisterRequest
from .registered_account import RegisteredAccount
from .rename_chat_request import RenameChatRequest
from .retry_message_request import RetryMessageRequest
from .send_message_request import SendMessageRequest
from .service_health import ServiceHealth
from .service_parts import ServiceParts
from .service_status import ServiceStatus
from .session_page import SessionPage
from .session_started import SessionStarted
from .session_status import SessionStatus
from .session_stopped import SessionStopped
from .session_turn import SessionTurn
from .session_turns import SessionTurns
from .site import Site
from .spending import Spending
from .stop_session_request import StopSessionRequest
from .stop_session_request_metrics_type_0 import StopSessionRequestMetricsType0
from .ticket_request import TicketRequest
from .turn_status import TurnStatus
from .turn_stopped import TurnStopped
from .usage import Usage
from .usage_report import UsageReport
from .used_limit import UsedLimit
from .used_limits import UsedLimits

__all__ = (
    "Account",
    "AnswerSource",
    "AttachedFile",
    "Breaker",
    "ChangePasswordRequest",
    "Chat",
    "ChatAnswer",
    "ChatCompletion",
    "ChatCompletionChoice",
    "ChatCompletionContentPart",
    "ChatCompletionContentPartType",
    "ChatCompletionFinishReason",
    "ChatCompletionImageDetail",
    "ChatCompletionImageUrl",
    "ChatCompletionMessage",
    "ChatCompletionMessageRole",
    "ChatCompletionObject",
    "ChatCompletionRequest",
    "ChatCompletionRequestMessage",
    "ChatCompletionRequestRole",
    "ChatCompletionResponseFormat",
    "ChatCompletionResponseFormatType",
    "ChatCompletionStreamOptions",
    "ChatCompletionUsage",
    "ChatDelta",
    "ChatDeltaEvent",
    "ChatDeltaEventName",
    "ChatDoneEvent",
    "ChatDoneEventName",
    "ChatErrorEvent",
    "ChatErrorEventName",
    "ChatRequest",
    "ChatStart",
    "ChatStartEvent",
    "ChatStartEventName",
    "ChatSummary",
    "Confirmation",
    "CreateChatRequest",
    "CredentialsInfo",
    "CredentialSource",
    "DayFigures",
    "EmbedTicket",
    "ErrorBody",
    "ErrorBodyDetails",
    "ErrorCode",
    "ExportFormat",
    "FeedbackRating",
    "FeedbackRecorded",
    "FeedbackRequest",
    "FeedbackStatus",
    "FinishReason",
    "FoundMessage",
    "HandoverAccepted",
    "HandoverRequest",
    "HandoverStatus",
    "Health",
    "HealthStatus",
    "HistoryEntry",
    "HistoryRole",
    "HookStatus",
    "ImageAnswer",
    "KeyStatus",
    "LimitScope",
    "LimitUnit",
    "LimitWindow",
    "Liveness",
    "LivenessStatus",
    "LoggedIn",
    "LoggedSession",
    "LoggedTurn",
    "LoginRequest",
    "LogReport",
    "LogReportFigures",
    "LogReportFiguresErrorsByCode",
    "LogReportFiguresFailedCalls",
    "LogReportFiguresFinish",
    "LogReportFiguresKeyLookups",
    "LogReportFiguresKeySources",
    "LogReportGroup",
    "LogReportGrouping",
    "LogReportPercentiles",
    "Message",
    "MessageExchange",
    "MessageSender",
    "MessageStatus",
    "ModelInfo",
    "ModelStatus",
    "ModelTest",
    "ModelTestStatus",
    "NoTexts",
    "OpenAiError",
    "OpenAiErrorBody",
    "OpenAiErrorType",
    "OpenAiModel",
    "OpenAiModelList",
    "OpenAiModelListObject",
    "OpenAiModelObject",
    "Overview",
    "PasswordChanged",
    "Persona",
    "PortalAnswer",
    "PortalDone",
    "PortalHistory",
    "PortalMessage",
    "PortalRequest",
    "PortalRole",
    "PortalStatus",
    "ProviderAccount",
    "ProviderAccountStatus",
    "QueueStatus",
    "Readiness",
    "ReadinessStatus",
    "RegisteredAccount",
    "RegisterRequest",
    "RenameChatRequest",
    "RetryMessageRequest",
    "SendMessageRequest",
    "ServiceHealth",
    "ServiceParts",
    "ServiceStatus",
    "SessionPage",
    "SessionStarted",
    "SessionStatus",
    "SessionStopped",
    "SessionTurn",
    "SessionTurns",
    "Site",
    "Spending",
    "StopSessionRequest",
    "StopSessionRequestMetricsType0",
    "TicketRequest",
    "TurnStatus",
    "TurnStopped",
    "Usage",
    "UsageReport",
    "UsedLimit",
    "UsedLimits",
)
