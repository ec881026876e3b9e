//! The command `al-chat log report`: its figures, formats, filters, and what it does with damaged logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    command_line::{CommandOutput, assert_wrong_arguments, run, run_script},
    fakes::model::FakeModel,
    support::{gzip::gzipped, service::TestSetup},
};

const INSTANCE: &str = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";

/// Lines of version 1, of version 0.1 (without `v`, `instance` and `seq`), and of the service that AL-Chat replaces.
pub fn sample() -> Vec<Value> {
    let mut lines = vec![
        json!({"event": "project_init", "timestamp": "2026-11-28T08:00:00.000000", "date": "2026-11-28", "name": "AL-Chat"}),
        json!({"event": "session_start", "timestamp": "2026-11-28T08:00:01.000000", "date": "2026-11-28", "session_id": "session_20261128_080001"}),
        json!({"event": "metric", "timestamp": "2026-11-28T08:00:02.000000", "date": "2026-11-28", "session_id": "session_20261128_080001", "metric_name": "clicks", "metric_value": 3}),
        json!({"event": "session_stop", "timestamp": "2026-11-28T09:00:02.000000", "date": "2026-11-28", "session_id": "session_20261128_080001", "duration_seconds": 3601.5, "metrics": {"clicks": 3}}),
        json!({"event": "service_start", "timestamp": "2026-11-28T23:00:00.000000+01:00", "date": "2026-11-28", "version": "0.1.0", "pid": 7, "model": "m-0", "demo_mode": false}),
    ];
    for number in 0..700_u64 {
        lines.push(turn(number));
        if number.is_multiple_of(7) {
            lines.push(session_line(number, "session_start", &json!({})));
        }
        if number % 14 == 6 {
            // One of its own, and one that counts.
            let (code, endpoint) =
                if number.is_multiple_of(4) { ("too_busy", "POST /chat") } else { ("token_invalid", "POST /api/chat") };
            let count = if number.is_multiple_of(4) { 1 } else { 5 };
            let mut fields =
                json!({"session_id": null, "endpoint": endpoint, "status": 503, "code": code, "count": count});
            if number.is_multiple_of(4) {
                fields["site"] = json!("kiosk");
            }
            lines.push(session_line(number, "refusal", &fields));
        }
        if number % 14 == 13 {
            let metrics = json!({"turns": 7, "cost_usd": 0.5});
            let fields = json!({"duration_seconds": number, "closed_by": "client", "server_metrics": metrics});
            lines.push(session_line(number - 6, "session_stop", &fields));
        }
    }
    let stop = json!({"event": "service_stop", "timestamp": "2026-11-30T23:59:59.000000+01:00", "date": "2026-11-30", "uptime_seconds": 9.5, "turns_cut_off": 2});
    lines.push(stop);
    lines
}

fn time(number: u64) -> (String, String) {
    let date = format!("2026-11-{}", 29 + number / 500);
    (format!("{date}T{:02}:{:02}:07.500000+01:00", number % 500 / 50, number % 50), date)
}

fn session_line(number: u64, event: &str, fields: &Value) -> Value {
    let (timestamp, date) = time(number);
    // The events of one number have names of different lengths, so that each line has a number of its own.
    let seq = number * 10 + event.len() as u64 % 10;
    let mut line = json!({"event": event, "timestamp": timestamp, "date": date, "v": 1, "instance": INSTANCE, "seq": seq, "session_id": format!("s-{}", number / 7)});
    line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    line
}

fn turn(number: u64) -> Value {
    let (timestamp, date) = time(number);
    let fails = number % 9 == 4;
    let code = if number.is_multiple_of(2) { "model_timeout" } else { "model_unavailable" };
    json!({
        "event": "chat", "timestamp": timestamp, "date": date, "request_id": format!("r-{number}"),
        "session_id": if number.is_multiple_of(10) { Value::Null } else { format!("s-{}", number / 7).into() },
        "user_id": if number.is_multiple_of(3) { (number % 21).into() } else { Value::Null },
        "username": if number.is_multiple_of(4) { "guest".to_owned() } else { format!("Zoë \"{}\" <b>", number % 13) },
        "is_guest": number.is_multiple_of(4),
        "model": format!("m-{}", number % 3), "requested_model": "m-1", "persona": "amaya",
        "site": if number.is_multiple_of(2) { "shop" } else { "docs" },
        "api_key": if number % 4 == 1 { json!(format!("key-{}", number % 3)) } else { Value::Null },
        "prompt_tokens": number * 3, "completion_tokens": number % 50, "total_tokens": number * 3 + number % 50,
        // Earlier versions named no source.
        "usage_source": if number % 17 == 3 { Value::Null } else if fails { "none".into() }
            else if number.is_multiple_of(5) { "estimated".into() } else { json!("provider") },
        "cost_usd": if number % 6 == 5 { Value::Null } else { json!(0.000_007_5 * f64::from(u32::try_from(number % 40).unwrap())) },
        "latency_ms": 3.25 * f64::from(u32::try_from(1 + number * 37 % 701).unwrap()),
        "first_word_ms": if fails { Value::Null } else { json!(f64::from(u32::try_from(number * 11 % 97).unwrap()) + 0.5) },
        "stream": true, "attempts": if fails { 3 } else { 1 }, "status": if fails { 503 } else { 200 },
        "code": if fails { code.into() } else { Value::Null },
        "finish": if fails { "upstream_error" } else if number % 25 == 1 { "client_gone" } else { "complete" },
        "credential_source": if number.is_multiple_of(2) { "papita_api" } else { "local_env" },
        "key_lookup": if number.is_multiple_of(2) { json!(if number.is_multiple_of(8) { "fetched" } else { "hit" }) } else { Value::Null },
        "calls": calls_of(number, fails),
        // Nothing reads these.
        "message": "{\"event\":\"chat\",\"code\":\"x\"} \u{1F642} \\", "metrics": [[{}, {"model": "x"}]],
    })
}

/// Returns the calls of a turn: three that fail, or one of another model that fails before an answer.
fn calls_of(number: u64, fails: bool) -> Value {
    let call = |model: String, code: Value| json!({"model": model, "code": code, "waited_ms": 1.5, "ms": 20.25});
    let model = format!("m-{}", number % 3);
    if fails {
        json!([0, 1, 2].map(|_| call(model.clone(), "model_overloaded".into())))
    } else if number % 20 == 7 {
        json!([call("m-lost".to_owned(), "model_unreachable".into()), call(model, Value::Null)])
    } else {
        json!([])
    }
}

/// Returns how often each value of a field is in the failed calls of the turns.
fn failed_calls(turns: &[&Value], field: &str) -> Value {
    let calls = turns.iter().flat_map(|turn| turn["calls"].as_array().into_iter().flatten());
    counts(&calls.filter(|call| call["code"].is_string()).collect::<Vec<_>>(), field)
}

pub fn text_of(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

/// Writes the sample as a folder: a day compressed with gzip, one with zstd, and a plain one.
pub fn write_days(folder: &Path, lines: &[Value]) {
    fs::create_dir_all(folder).unwrap();
    let of = |date| text_of(&lines.iter().filter(|line| line["date"] == date).cloned().collect::<Vec<_>>());
    fs::write(folder.join("session_2026-11-28.log.gz"), gzipped(of("2026-11-28").as_bytes())).unwrap();
    let zstd = zstd::encode_all(of("2026-11-29").as_bytes(), 1).unwrap();
    fs::write(folder.join("session_2026-11-29.log.zst"), zstd).unwrap();
    fs::write(folder.join("session_2026-11-30.log"), of("2026-11-30")).unwrap();
}

async fn report(setup: &TestSetup, arguments: &[&str]) -> CommandOutput {
    run(setup, &[&["log", "report"], arguments].concat()).await
}

async fn json_report(setup: &TestSetup, arguments: &[&str]) -> Value {
    let ran = report(setup, &[&["--format", "json"], arguments].concat()).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&ran.out).unwrap()
}

/// Returns how often each value of a field is in turns or calls.
fn counts(objects: &[&Value], field: &str) -> Value {
    let mut counts = BTreeMap::<String, u64>::new();
    for value in objects.iter().filter_map(|object| object[field].as_str()) {
        *counts.entry(value.to_owned()).or_default() += 1;
    }
    json!(counts)
}

fn sum(turns: &[&Value], field: &str) -> f64 {
    turns.iter().filter_map(|turn| turn[field].as_f64()).sum()
}

fn is_near(found: &Value, expected: f64, error: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() <= error * expected.abs() + 1e-12)
}

/// Asserts the figures of turns against a computation of their own.
fn assert_figures(found: &Value, turns: &[&Value]) {
    let number = |counted: usize| json!(counted);
    let of = |is: &dyn Fn(&Value) -> bool| number(turns.iter().filter(|turn| is(turn)).count());
    assert_eq!(found["turns"], number(turns.len()));
    assert_eq!(found["errors"], of(&|turn| turn["code"].is_string()));
    assert_eq!(found["errors_by_code"], counts(turns, "code"));
    assert_eq!(found["finish"], counts(turns, "finish"));
    assert_eq!(found["key_sources"], counts(turns, "credential_source"));
    assert_eq!(found["key_lookups"], counts(turns, "key_lookup"));
    assert_eq!(found["failed_calls"], failed_calls(turns, "code"));
    assert_eq!(found["cut_off"], of(&|turn| turn["finish"] == "client_gone"));
    assert_eq!(found["estimated_turns"], of(&|turn| turn["usage_source"] == "estimated"));
    assert_eq!(found["unpriced_turns"], of(&|turn| turn["cost_usd"].is_null() && turn["usage_source"] != "none"));
    assert_eq!(found["fallbacks"], of(&|turn| turn["model"] != turn["requested_model"]));
    assert_eq!(found["retried_turns"], of(&|turn| turn["attempts"].as_u64() > Some(1)));
    let retries = sum(turns, "attempts") - f64::from(u32::try_from(turns.len()).unwrap());
    assert!(is_near(&found["retries"], retries, 0.0));
    for field in ["prompt_tokens", "completion_tokens", "total_tokens", "cost_usd"] {
        assert!(is_near(&found[field], sum(turns, field), 1e-9), "{field}: {} {}", found[field], sum(turns, field));
    }
    let sessions = turns.iter().filter_map(|turn| turn["session_id"].as_str()).collect::<BTreeSet<_>>();
    assert_eq!(found["sessions"], number(sessions.len()));
    let visitor = |turn: &&&Value| {
        let name = (turn["is_guest"] == false).then(|| turn["username"].to_string());
        let id = (!turn["user_id"].is_null()).then(|| turn["user_id"].to_string());
        let session = turn["session_id"].as_str().map(str::to_owned);
        id.map(|id| format!("id {id}")).or(name.map(|name| format!("name {name}"))).or(session)
    };
    assert_eq!(
        found["visitors"],
        number(turns.iter().filter_map(|turn| visitor(&turn)).collect::<BTreeSet<_>>().len())
    );
    for field in ["latency_ms", "first_word_ms"] {
        let mut times = turns.iter().filter_map(|turn| turn[field].as_f64()).collect::<Vec<_>>();
        times.sort_by(f64::total_cmp);
        for (name, percent) in [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)] {
            let Some(rank) = (times.len() * percent).div_ceil(100).checked_sub(1) else {
                assert!(found[field][name].is_null(), "{found}");
                continue;
            };
            let expected = times[rank];
            assert!(is_near(&found[field][name], expected, 0.0101), "{field} {name}: {} {expected}", found[field]);
        }
    }
}

fn turns_where(lines: &[Value], is: impl Fn(&Value) -> bool) -> Vec<&Value> {
    lines.iter().filter(|line| line["event"] == "chat" && is(line)).collect()
}

#[tokio::test]
async fn figures_equal_a_computation_of_their_own() {
    let (setup, lines) = (TestSetup::new(), sample());
    write_days(&setup.log_dir(), &lines);
    let found = json_report(&setup, &[]).await;
    assert_figures(&found["turns"], &turns_where(&lines, |_| true));
    assert_eq!(found["lines"], lines.len());
    assert_eq!(found["period"], json!(["2026-11-28T08:00:00.000000", "2026-11-30T23:59:59.000000+01:00"]));
    let sessions = &found["sessions"];
    assert_eq!([&sessions["started"], &sessions["stopped"], &sessions["open"]], [101, 51, 50]);
    assert_eq!(sessions["stopped_by"], json!({"client": 51}));
    assert_eq!(
        sessions["longest"][0],
        json!({"session_id": "session_20261128_080001", "duration_seconds": 3601.5, "turns": null, "cost_usd": null})
    );
    assert_eq!(
        sessions["longest"][1],
        json!({"session_id": "s-99", "duration_seconds": 699.0, "turns": 7, "cost_usd": 0.5})
    );
    assert_eq!(sessions["longest_open"][0], json!({"session_id": "s-0", "since": "2026-11-29T00:00:07.500000+01:00"}));
    let expected = json!({"starts": 1, "stops": 1, "turns_cut_off": 2, "log_gaps": 0, "lines_refused": 0});
    assert_eq!(found["service"], expected);
    let by_code = json!({"too_busy": 25, "token_invalid": 125});
    let by_endpoint = json!({"POST /api/chat": 125, "POST /chat": 25});
    let by_site = json!({"kiosk": 25});
    let expected = json!({"requests": 150, "by_code": by_code, "by_endpoint": by_endpoint, "by_site": by_site});
    assert_eq!(found["refusals"], expected);
    let failed = failed_calls(&turns_where(&lines, |_| true), "model");
    let models = found["models"].as_array().unwrap();
    let named = models.iter().map(|it| (it["name"].as_str().unwrap().to_owned(), it["failed_calls"].as_u64().unwrap()));
    assert_eq!(json!(named.filter(|(_, failed)| *failed > 0).collect::<BTreeMap<_, _>>()), failed);
    let lost = models.iter().find(|it| it["name"] == "m-lost").unwrap();
    assert_eq!(lost["turns"], 0);
    // The same lines in one file.
    let whole = setup.path().join("all.jsonl");
    fs::write(&whole, text_of(&lines)).unwrap();
    let mut of_one = json_report(&setup, &[whole.to_str().unwrap()]).await;
    of_one["files"] = found["files"].clone();
    assert_eq!(of_one, found);
}

#[tokio::test]
async fn turns_are_grouped_by_each_field() {
    let (setup, lines) = (TestSetup::new(), sample());
    write_days(&setup.log_dir(), &lines);
    for (by, key) in [
        ("day", &(|turn: &Value| turn["date"].clone()) as &dyn Fn(&Value) -> Value),
        ("hour", &|turn| turn["timestamp"].as_str().unwrap()[..13].into()),
        ("model", &|turn| turn["model"].clone()),
        ("site", &|turn| turn["site"].clone()),
        ("user", &|turn| turn["username"].clone()),
        ("code", &|turn| turn["code"].clone()),
        ("persona", &|turn| turn["persona"].clone()),
        ("key", &|turn| turn["api_key"].clone()),
    ] {
        let found = json_report(&setup, &["--by", by]).await;
        let groups = found["groups"].as_array().unwrap();
        let expected =
            turns_where(&lines, |_| true).into_iter().map(|turn| key(turn).to_string()).collect::<BTreeSet<_>>();
        assert_eq!(groups.len(), expected.len(), "{by}");
        for group in groups {
            assert_figures(group, &turns_where(&lines, |turn| key(turn) == group["group"]));
        }
        let of = |group: &Value| (group["group"].to_string(), group["turns"].as_u64());
        let order = groups.iter().map(of).collect::<Vec<_>>();
        let is_sorted = if matches!(by, "day" | "hour") {
            order.is_sorted()
        } else {
            order.is_sorted_by_key(|it| std::cmp::Reverse(it.1))
        };
        assert!(is_sorted, "{by}: {order:?}");
    }
}

#[tokio::test]
async fn filters_choose_turns() {
    let (setup, lines) = (TestSetup::new(), sample());
    write_days(&setup.log_dir(), &lines);
    let at = |turn: &Value| turn["timestamp"].as_str().unwrap().to_owned();
    for (arguments, is) in [
        (&["--since", "2026-11-30"][..], &(|turn: &Value| turn["date"] == "2026-11-30") as &dyn Fn(&Value) -> bool),
        (&["--until", "2026-11-29"], &|turn| turn["date"] == "2026-11-29"),
        (&["--since", "2026-11-29T03:20", "--until", "2026-11-29T05:00"], &|turn| {
            at(turn).as_str() >= "2026-11-29T03:20" && at(turn).as_str() < "2026-11-29T05:00"
        }),
        (&["--since", "2026-11-29T03:00Z"], &|turn| at(turn).as_str() >= "2026-11-29T04:00"),
        (&["--model", "m-2"], &|turn| turn["model"] == "m-2"),
        (&["--site", "docs", "--model", "m-0"], &|turn| turn["site"] == "docs" && turn["model"] == "m-0"),
        (&["--user", "Zoë \"5\" <b>"], &|turn| turn["username"] == "Zoë \"5\" <b>"),
        (&["--user", "15"], &|turn| turn["user_id"] == 15),
        (&["--persona", "amaya"], &|_| true),
    ] {
        let found = json_report(&setup, arguments).await;
        let expected = turns_where(&lines, is);
        assert!(!expected.is_empty(), "{arguments:?}");
        assert_figures(&found["turns"], &expected);
    }
    assert_eq!(json_report(&setup, &["--persona", "nobody"]).await["turns"]["turns"], 0);
    // Lines of sessions have no model.
    assert_eq!(json_report(&setup, &["--model", "m-0"]).await["sessions"]["started"], 0);
}

#[tokio::test]
async fn csv_has_a_line_for_each_group() {
    let (setup, mut lines) = (TestSetup::new(), sample());
    let mut hostile = turn(3);
    hostile["username"] = "=1+2,\"x\"".into();
    lines.push(hostile);
    write_days(&setup.log_dir(), &lines);
    let ran = report(&setup, &["--format", "csv", "--by", "user"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut rows = ran.out.lines();
    let header = rows.next().unwrap();
    assert!(header.starts_with("user,turns,errors,cut_off,sessions,visitors,prompt_tokens,"), "{header}");
    let counts = "end_client_gone,end_complete,end_upstream_error,error_model_timeout,error_model_unavailable,\
                  key_local_env,key_papita_api";
    assert!(header.ends_with(counts), "{header}");
    assert_eq!(rows.count(), 15);
    assert!(
        ran.out.contains("\n\"Zoë \"\"1\"\" <b>\",") && ran.out.contains("\n\"'=1+2,\"\"x\"\"\",1,"),
        "{}",
        ran.out
    );
    let total = report(&setup, &["--format", "csv"]).await.out;
    assert_eq!(total.lines().count(), 2, "{total}");
    let row = total.lines().nth(1).unwrap();
    assert!(row.starts_with("701,") && row.ends_with(&format!(",{},351,350", ending_counts(&lines))), "{total}");
}

/// Returns the numbers of turns of each end and of each error code, in the order of their names.
fn ending_counts(lines: &[Value]) -> String {
    let turns = turns_where(lines, |_| true);
    let counts = ["finish", "code"].map(|field| counts(&turns, field));
    let numbers = counts.iter().flat_map(|counts| counts.as_object().unwrap().values().map(Value::to_string));
    numbers.collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn names_beyond_the_rows_are_counted_under_the_table() {
    let setup = TestSetup::new();
    let named = |number: u64| {
        let mut turn = turn(number);
        turn["model"] = format!("model-{number}").into();
        turn
    };
    fs::write(setup.path().join("a.log"), text_of(&(0..103).map(named).collect::<Vec<_>>())).unwrap();
    let ran = report(&setup, &["a.log", "--by", "model"]).await;
    assert_eq!(ran.out.matches("  3 more groups: --format csv or json has all.\n").count(), 1, "{}", ran.out);
    // The failed calls are of models with other names.
    assert!(ran.out.contains(" more models: --format json has all.\n"), "{}", ran.out);
}

#[tokio::test]
async fn text_shows_the_figures_without_control_characters() {
    let (setup, mut lines) = (TestSetup::new(), sample());
    let mut hostile = turn(3);
    hostile["username"] = "\u{1b}[31mred\u{202e}".into();
    hostile["model"] = "m\r\n".into();
    lines.push(hostile);
    write_days(&setup.log_dir(), &lines);
    let ran = report(&setup, &["--by", "user"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for words in [
        "Turns        701: 623 answered, 78 errors (11 %)",
        "p95 2.1",
        "model_timeout 39",
        "By user",
        "Longest sessions",
        "1 h 0 min",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    assert!(ran.out.contains("\u{fffd}[31mred\u{fffd}"), "{}", ran.out);
    assert!(ran.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", ran.out);
}

#[tokio::test]
async fn text_has_the_singular_for_one() {
    let setup = TestSetup::new();
    let mut retried = turn(4);
    retried["usage_source"] = "estimated".into();
    retried["cost_usd"] = Value::Null;
    retried["attempts"] = 2.into();
    let line = |event: &str, fields: &Value| session_line(5, event, fields);
    let gap = line("log_gap", &json!({"lines_refused": 1}));
    let lines = [retried, line("service_start", &json!({})), gap, line("service_stop", &json!({"turns_cut_off": 1}))];
    for (name, lines) in [("one.log", &lines[..1]), ("four.log", &lines[..])] {
        fs::write(setup.path().join(name), text_of(lines)).unwrap();
    }
    let [one, four] = [report(&setup, &["one.log"]).await.out, report(&setup, &["four.log"]).await.out];
    for words in
        ["one.log, 1 line, from", "0 answered, 1 error (100 %)", "; estimated in 1 turn\n", "without 1 turn of"]
    {
        assert!(one.contains(words), "{words} in {one}");
    }
    for words in [
        "1, in 1 turn\n",
        "0 starts, 0 orderly stops\n",
        "1 start, 1 orderly stop; 1 turn was cut off by a stop; 1 gap in the log with 1 refused line\n",
    ] {
        assert!(one.contains(words) || four.contains(words), "{words} in {one}{four}");
    }
}

#[tokio::test]
async fn the_cost_of_a_model_of_unknown_price_is_not_zero() {
    let setup = TestSetup::new();
    let [mut priced, mut unpriced] = [turn(1), turn(2)];
    (priced["cost_usd"], unpriced["cost_usd"]) = (0.25.into(), Value::Null);
    fs::write(setup.path().join("two.log"), text_of(&[priced, unpriced])).unwrap();
    let found = json_report(&setup, &["two.log"]).await;
    let of_models = found["models"].as_array().unwrap().iter().map(|it| (&it["cost_usd"], &it["unpriced_turns"]));
    assert_eq!(json!(of_models.collect::<Vec<_>>()), json!([[0.25, 0], [0.0, 1]]));
    let shown = report(&setup, &["two.log", "--by", "model"]).await.out;
    let costs =
        shown.lines().filter(|line| line.starts_with("  m-")).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let costs =
        costs.map(|cells| (cells[0], cells.contains(&"unknown"), cells.contains(&"$0.250"))).collect::<Vec<_>>();
    let expected = [("m-1", false, true), ("m-2", true, false)].repeat(2);
    assert_eq!(costs, expected, "{shown}");
}

#[tokio::test]
async fn replies_of_the_built_in_responder_are_no_fallbacks() {
    let setup = TestSetup::new().with("AI_SERVICE", "basic");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let line = setup.log_lines("chat").remove(0);
    assert!(line["model"] == "basic" && line["requested_model"] != "basic", "{line}");
    let turns = &json_report(&setup, &[]).await["turns"];
    assert_eq!((&turns["turns"], &turns["fallbacks"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn the_log_of_a_service_is_reported_while_it_runs() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let process = setup.start_process().await;
    for _ in 0..3 {
        process.client.chat("hello").await.assert_ok();
    }
    let found = json_report(&setup, &["--by", "model"]).await;
    assert_figures(&found["turns"], &turns_where(&setup.log(), |_| true));
    assert_eq!((&found["turns"]["turns"], &found["service"]["starts"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn lines_that_are_there_twice_are_counted_once() {
    const LINES: u64 = 3000;
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    let path = |name: &str| setup.log_dir().join(name);
    // Several megabytes, so that several threads read them.
    let stamped = |seq: u64| {
        let mut turn = turn(seq);
        let stamp = json!({"v": 1, "instance": INSTANCE, "seq": seq, "message": "x".repeat(1000)});
        turn.as_object_mut().unwrap().extend(stamp.as_object().unwrap().clone());
        turn
    };
    let lines = (1..=LINES).map(stamped).collect::<Vec<_>>();
    fs::write(path("session_2026-11-29.log"), text_of(&lines)).unwrap();
    let once = json_report(&setup, &["--by", "user"]).await;
    // A compressed copy comes before its plain file, and a rotated copy of the end before both.
    fs::write(path("session_2026-11-29.log.gz"), gzipped(text_of(&lines[..2900]).as_bytes())).unwrap();
    fs::write(path("session_2026-11-29.log.1"), text_of(&lines[2950..])).unwrap();
    let ran = report(&setup, &["--by", "user", "--format", "json"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let named = "session_2026-11-29.log:1: 2,900 lines from here on are there a second time\n";
    let also = "session_2026-11-29.log:2951: 50 lines from here on are there a second time\n";
    assert!(ran.err.contains(named) && ran.err.contains(also), "{}", ran.err);
    assert!(ran.err.ends_with("lines that are not in the report: 2,950\n"), "{}", ran.err);
    let twice = serde_json::from_str::<Value>(&ran.out).unwrap();
    for field in ["turns", "groups", "hours", "models", "latencies", "period"] {
        assert_eq!(twice[field], once[field], "{field}");
    }
    assert_eq!((&twice["lines"], &twice["damage"]), (&json!(LINES + 2950), &json!({"duplicated": 2950})));
    let place = &twice["first_damage"][0];
    assert!(place["file"].as_str().unwrap().ends_with("session_2026-11-29.log"), "{place}");
    assert_eq!([&place["line"], &place["lines"], &place["kind"]], [&json!(1), &json!(2900), &json!("duplicated")]);
    // A pipe can be read only once.
    let script = r#"cat SessionLog/*.1 SessionLog/*.log | "$0" log report --format json --by user -"#;
    let ran = run_script(&setup, script).await;
    assert!(ran.code == Some(1) && ran.err.contains("/dev/stdin:3001: 50 lines from here on are there"), "{}", ran.err);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["turns"], once["turns"]);
}

#[tokio::test]
async fn percentiles_are_those_of_the_nearest_rank() {
    let setup = TestSetup::new();
    let with_latency = |(number, ms): (u64, f64)| {
        let mut turn = turn(number);
        turn["latency_ms"] = ms.into();
        turn
    };
    let write = |name: &str, times: &[f64]| {
        let lines = (0..).zip(times.iter().copied()).map(with_latency).collect::<Vec<_>>();
        fs::write(setup.path().join(name), text_of(&lines)).unwrap();
    };
    write("few.log", &[[10.0; 9].as_slice(), &[9000.0]].concat());
    write("equal.log", &[300.0; 1000]);
    let few = json_report(&setup, &["few.log"]).await["turns"]["latency_ms"].clone();
    assert_eq!(few, json!({"p50": 10.0, "p95": 9000.0, "p99": 9000.0, "max": 9000.0}));
    let equal = json_report(&setup, &["equal.log"]).await["turns"]["latency_ms"].clone();
    assert_eq!(equal, json!({"p50": 300.0, "p95": 300.0, "p99": 300.0, "max": 300.0}));
}

#[tokio::test]
async fn times_without_an_offset_are_in_the_logs_zone() {
    let setup = TestSetup::new().with("SESSION_LOG_TIMEZONE", "Europe/Berlin");
    fs::write(setup.path().join("a.log"), text_of(&sample()[..4])).unwrap();
    for (since, until, started, stopped) in [
        ("2026-11-28T07:00:00Z", "2026-11-28T08:00:01Z", 1, 0),
        ("2026-11-28T07:00:02Z", "2026-11-28T09:00:00+01:00", 0, 0),
        ("2026-11-28T07:00:01Z", "2026-11-28T10:00:03+01:00", 1, 1),
        ("2026-11-28T09:00:02.5", "2026-11-28", 0, 0),
        ("2026-11-28T09:00:01.5", "2026-11-28T09:00:02.5", 0, 1),
    ] {
        let found = json_report(&setup, &["a.log", "--since", since, "--until", until]).await;
        let sessions = &found["sessions"];
        assert_eq!([&sessions["started"], &sessions["stopped"]], [started, stopped], "{since} {until}");
    }
}

#[tokio::test]
async fn estimates_are_marked_and_not_above_the_turns() {
    let setup = TestSetup::new();
    for count in [2600_u64, 3000, 4000] {
        let line = |number: u64| {
            let mut turn = turn(number);
            turn["session_id"] = format!("session {number}").into();
            turn["user_id"] = number.into();
            turn
        };
        fs::write(setup.path().join("a.log"), text_of(&(0..count).map(line).collect::<Vec<_>>())).unwrap();
        let turns = json_report(&setup, &["a.log"]).await["turns"].clone();
        for field in ["sessions", "visitors"] {
            assert!(turns[field].as_u64().unwrap() <= count, "{field}: {} of {count}", turns[field]);
            assert_eq!(turns[format!("{field}_estimated")], true, "{field}");
        }
    }
    let text = report(&setup, &["a.log", "--by", "persona"]).await.out;
    for words in
        ["Sessions     ≈", "Visitors     ≈", "more than 2,000 different sessions or visitors (≈) are an estimate"]
    {
        assert!(text.contains(words), "{words} in {text}");
    }
    let group = text.lines().find(|line| line.starts_with("  amaya ")).unwrap();
    assert_eq!(group.matches('≈').count(), 2, "{group}");
    let csv = report(&setup, &["a.log", "--format", "csv"]).await.out;
    assert!(csv.contains(",sessions_estimated,visitors_estimated,") && csv.contains(",true,true,"), "{csv}");
    fs::write(setup.path().join("few.log"), text_of(&[turn(1)])).unwrap();
    let text = report(&setup, &["few.log"]).await.out;
    assert!(!text.contains('≈') && !text.contains("Percentiles of"), "{text}");
}

#[tokio::test]
async fn turns_without_a_key_are_not_read_as_none() {
    let setup = TestSetup::new();
    let mut line = turn(1);
    line["credential_source"] = "none".into();
    fs::write(setup.path().join("a.log"), text_of(&[line])).unwrap();
    let ran = report(&setup, &["a.log"]).await;
    assert!(ran.out.contains("\nKeys         no key 1\n") && ran.out.contains("\nErrors       none\n"), "{}", ran.out);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_short_run_shows_no_progress() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), text_of(&sample()[..50])).unwrap();
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let slave = ptsname(&terminal, Vec::new()).unwrap();
    let slave = fs::File::options().write(true).open(slave.to_str().unwrap()).unwrap();
    let mut command = setup.command(&["log", "report", "a.log"]);
    let status = command.env("TERM", "xterm").stdout(std::process::Stdio::null()).stderr(slave).status().await.unwrap();
    assert!(status.success());
    drop(command);
    let mut shown = vec![0; 4096];
    // Without a writer, and without bytes that were written, reading fails.
    let shown =
        rustix::io::read(&terminal, &mut shown).map(|count| String::from_utf8_lossy(&shown[..count]).into_owned());
    assert!(shown.as_ref().map_or(true, String::is_empty), "{shown:?}");
}

#[tokio::test]
async fn every_field_of_json_is_documented() {
    let (setup, lines) = (TestSetup::new(), sample());
    write_days(&setup.log_dir(), &lines);
    fs::write(setup.log_dir().join("session_2026-11-30.log"), "foreign\n").unwrap();
    let ran = report(&setup, &["--format", "json", "--by", "day"]).await;
    let found = serde_json::from_str::<Value>(&ran.out).unwrap();
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/session-log.md")).unwrap();
    let (_, document) = document.split_once("### Fields of the report").unwrap();
    let (document, _) = document.split_once("\n## ").unwrap();
    let objects = ["turns", "sessions", "refusals", "service", "accuracy"].map(|name| &found[name]);
    let lists = ["groups", "hours", "models", "latencies", "first_damage"].map(|name| &found[name][0]);
    let also = [
        &found,
        &found["turns"]["latency_ms"],
        &found["sessions"]["longest"][0],
        &found["sessions"]["longest_open"][0],
    ];
    for object in objects.into_iter().chain(lists).chain(also) {
        for name in object.as_object().unwrap().keys() {
            assert!(document.contains(&format!("`{name}`")), "{name} is not documented");
        }
    }
}

#[tokio::test]
async fn the_page_has_charts_and_makes_no_request() {
    let (setup, mut lines) = (TestSetup::new(), sample());
    let script = "\"'><script src=//x.example></script>";
    for field in ["username", "model", "code", "finish", "credential_source", "session_id"] {
        let mut hostile = turn(4);
        hostile[field] = script.into();
        lines.push(hostile);
    }
    write_days(&setup.log_dir(), &lines);
    for by in ["user", "model", "code"] {
        let ran =
            report(&setup, &["--format", "html", "--by", by, "--until", "2026-12-31", "--persona", "amaya"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let page = ran.out;
        for words in ["Turns by hour", "Cost by hour", "Turns by latency", "Errors by code", "Turns by model"] {
            assert!(page.contains(&format!("<h2>{words}")), "{words} in {page}");
        }
        assert_eq!(page.matches("<svg").count(), 10, "five charts in two sizes");
        assert!(page.contains("Only until 2026-12-31, persona amaya"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme: dark"), "{page}");
        assert!(!page.contains("<script") && page.contains("&lt;script src"), "{page}");
        let addresses = page.matches("://").count();
        assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count(), "{page}");
        assert!(!page.contains("url(") && !page.contains("@import"), "{page}");
    }
}

/// Reports damaged lines and returns the output. The two whole lines must be counted.
async fn report_damaged(setup: &TestSetup, damaged: &[u8]) -> CommandOutput {
    let [first, last] = [turn(1), turn(2)].map(|turn| format!("{turn}\n").into_bytes());
    let text = [&first[..], damaged, b"\n", &last].concat();
    fs::write(setup.path().join("damaged.log"), text).unwrap();
    let ran = report(setup, &["--format", "json", "damaged.log"]).await;
    let found = serde_json::from_str::<Value>(&ran.out).unwrap();
    assert_eq!((&found["turns"]["turns"], &found["lines"]), (&json!(2), &json!(3)), "{}", ran.err);
    ran
}

#[tokio::test]
async fn damaged_lines_are_counted_and_named() {
    let setup = TestSetup::new();
    let deep = "[".repeat(100_000);
    for (line, sentence) in [
        (&b"not JSON"[..], "not a line of a session log"),
        (b"", "not a line of a session log"),
        (b"{}", "not a line of a session log"),
        (b"[1,2]", "not a line of a session log"),
        (b"{\"event\":\"chat\",\"latency_ms\":\"slow\"}", "not a line of a session log"),
        (deep.as_bytes(), "not a line of a session log"),
        (b"{\"event\":\"chat\",\"username\":\"\xff\"}", "not UTF-8"),
        (b"{\"event\":\"chat\",\"message\":\"\xff\"}", "not UTF-8"),
        (b"\xff\xfe\x00", "has zero bytes"),
        (b"{\"event\":\"chat\"}\x00\x00\x00", "has zero bytes"),
        (&vec![b'x'; 50_000_000], "not a line of a session log"),
        (&vec![b'x'; 70_000_000], "longer than 64 MiB"),
    ] {
        let ran = report_damaged(&setup, line).await;
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.err.contains(&format!("al-chat: damaged.log:2: {sentence}\n")), "{}", ran.err);
        assert!(ran.err.ends_with("lines that are not in the report: 1\n"), "{}", ran.err);
    }
    fs::write(setup.path().join("foreign.log"), "x\n".repeat(49)).unwrap();
    let ran = report(&setup, &["foreign.log"]).await;
    assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 21), "{ran:?}");
    assert!(ran.err.ends_with("lines that are not in the report: 49; the first ones are named\n"), "{ran:?}");
}

#[tokio::test]
async fn torn_lines_and_unreadable_ends_are_named() {
    let setup = TestSetup::new();
    let whole = format!("{}\n", turn(1)).repeat(3);
    let write = |name: &str, bytes: &[u8]| fs::write(setup.path().join(name), bytes).unwrap();
    write("torn.log", &whole.as_bytes()[..whole.len() - 20]);
    let gzip = gzipped(whole.as_bytes());
    write("cut.gz", &gzip[..gzip.len() - 12]);
    write("no.zst", whole.as_bytes());
    for (name, line, sentence) in [
        ("torn.log", 3, "the file ends within the line"),
        ("cut.gz", 4, "the file cannot be read from here on ("),
        ("no.zst", 1, "the file cannot be read from here on ("),
    ] {
        let ran = report(&setup, &[name]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(&format!("al-chat: {name}:{line}: {sentence}")), "{ran:?}");
        assert!(ran.out.contains("Damage"), "{ran:?}");
    }
    // Only the line feed is missing.
    write("unended.log", whole.trim_end().as_bytes());
    let ran = report(&setup, &["unended.log"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("Turns        3:"), "{ran:?}");
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), "").unwrap();
    fs::create_dir(setup.path().join("empty")).unwrap();
    let rows = [
        (&["missing.log"][..], "there is no file or folder missing.log"),
        (&["a.log", "missing"], "there is no file or folder missing"),
        (&["a.log/"], "a.log/ is not a folder"),
        (&["empty"], "the folder empty has no session log: no file is named session_YYYY-MM-DD.log"),
        (&[], "without FILES, the log in the folder SESSION_LOG_DIR is read"),
        (&["a.log", "--since", "yesterday"], "expected a day such as 2026-11-29"),
        (&["a.log", "--until", "2026-02-30"], "expected a day such as 2026-11-29"),
        (
            &["a.log", "--since", "2026-11-30", "--until", "2026-11-29"],
            "no time is both after --since and before --until",
        ),
        (
            &["a.log", "--since", "2026-12-03", "--until", "2026-12-01T00:00:00Z"],
            "no time is both after --since and before --until",
        ),
        (&["a.log", "--by", "moon"], "possible values: hour, day, model, site, user, code, persona"),
        (&["a.log", "--format", "pdf"], "possible values: text, json, csv, html"),
    ];
    assert_wrong_arguments(&setup, &["log", "report"], &rows).await;
    let setup = setup.with("PORT", "nonsense");
    assert_eq!(report(&setup, &["a.log"]).await.code, Some(0), "files need no settings");
    assert_eq!(report(&setup, &["a.log", "--since", "2026-11-29T12:00Z"]).await.code, Some(0), "only the time zone");
    assert_eq!(report(&setup, &[]).await.code, Some(2));
    let setup = setup.with("SESSION_LOG_TIMEZONE", "Nowhere");
    assert_eq!(report(&setup, &["a.log", "--since", "2026-11-29T12:00"]).await.code, Some(0));
    let ran = report(&setup, &["a.log", "--since", "2026-11-29T12:00Z"]).await;
    assert!(ran.code == Some(2) && ran.err.contains("SESSION_LOG_TIMEZONE"), "{ran:?}");
}

#[tokio::test]
async fn an_empty_day_has_an_empty_report() {
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    fs::write(setup.log_dir().join("session_2026-11-29.log"), "").unwrap();
    for format in ["text", "json", "csv", "html"] {
        let ran = report(&setup, &["--format", format, "--by", "day"]).await;
        assert_eq!((ran.code, ran.err.as_str(), ran.out.is_empty()), (Some(0), "", false), "{format}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_read_and_a_closed_one_ends_quietly() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), text_of(&sample())).unwrap();
    for (script, out, err) in [
        (r#"cat a.log | "$0" log report --format csv /dev/stdin | tail -n 1 | cut -d, -f1"#, "700\n", ""),
        (r#"{ "$0" log report --by user a.log; echo "$?" >&2; } | true"#, "", "0\n"),
    ] {
        let ran = run_script(&setup, script).await;
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err), "{script}");
    }
}
