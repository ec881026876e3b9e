// What the server sends.

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

export interface Figures {
  turns: number;
  errors: number;
  errors_by_code: Record<string, number>;
  sessions: number;
  visitors: number;
  visitors_estimated: boolean;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cost_usd: number;
  unpriced_turns: number;
  latency_ms: Percentiles;
}

export interface Group {
  group: string | null;
  figures: Figures;
}

export interface Overview {
  date: string;
  time_zone: string;
  total: Figures;
  lines_left_out: number;
  unreadable_files: number;
  by_hour: Group[];
  by_model: Group[];
  by_site: Group[];
  by_persona: Group[];
}

export interface Day {
  date: string;
  figures: Figures;
}

export type Breaker = "closed" | "half_open" | "open";

export interface Queue {
  waiting: number;
  dropped: number;
}

export interface Status {
  version: string;
  started_at: string;
  demo_mode: boolean;
  is_spending_paused: boolean;
  turns_running: number;
  turns_waiting: number;
  max_turns: number;
  models: { model: string; provider: string; breaker: Breaker }[];
  keys: { provider: string; source: string; age_seconds: number | null }[];
  papita_queue: Queue;
  event_queue: Queue;
  is_log_writable: boolean;
  is_database_writable: boolean;
  replicas: number;
}

export interface Limit {
  count_id: string;
  scope: string;
  unit: string;
  window: string;
  quota: number;
  used: number;
  reserved: number;
  resets_in_seconds: number;
}

export interface Limits {
  limits: Limit[];
  has_more: boolean;
}

export interface Site {
  id: string;
  origins: string[];
  is_paused: boolean;
  is_paused_by_file: boolean;
  is_paused_by_operator: boolean;
}

export interface Session {
  session_id: string;
  user: string | null;
  site: string | null;
  persona: string | null;
  last_turn_at: string | null;
  has_ended: boolean;
  turns: number;
  errors: number;
  total_tokens: number;
  cost_usd: number;
}

export interface Sessions {
  sessions: Session[];
  next: string | null;
}

export interface LoggedTurn {
  request_id: string | null;
  session_id: string | null;
  timestamp: string;
  user: string | null;
  site: string | null;
  persona: string | null;
  model: string | null;
  finish: string | null;
  code: string | null;
  total_tokens: number | null;
  cost_usd: number | null;
  latency_ms: number | null;
}

export interface SessionTurn {
  turn: LoggedTurn;
  message: string | null;
  answer: string | null;
  no_texts?: string;
}

export interface SessionTurns {
  turns: SessionTurn[];
  has_earlier: boolean;
}

export interface SessionEvent {
  timestamp: string;
  session_id: string;
  has_ended: boolean;
}
