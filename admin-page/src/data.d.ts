// What the server sends, as the contract has it.
import type { components } from "../../clients/typescript/src/contract.ts";

type Schemas = components["schemas"];

export type Figures = Schemas["LogReportFigures"];
export type Group = Schemas["LogReportGroup"];
export type Overview = Schemas["Overview"];
export type Day = Schemas["DayFigures"];
export type Status = Schemas["ServiceStatus"];
export type Queue = Schemas["QueueStatus"];
export type Limit = Schemas["UsedLimit"];
export type Limits = Schemas["UsedLimits"];
export type Site = Schemas["Site"];
export type Session = Schemas["LoggedSession"];
export type Sessions = Schemas["SessionPage"];
export type LoggedTurn = Schemas["LoggedTurn"];
export type SessionTurn = Schemas["SessionTurn"];
export type SessionTurns = Schemas["SessionTurns"];

/** An event of `/api/admin/events`, which the contract does not have. */
export interface SessionEvent {
  session_id: string;
  timestamp: string;
  has_ended: boolean;
}
