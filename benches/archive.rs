//! Fills a database with many stored chats, in the schema of AL-Chat. Sending that many messages through the API would
//! take too long.

use std::fmt::Write;

use al_chat::domain::search_terms::search_terms;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// The number of rows per INSERT statement.
const ROWS: usize = 500;

/// The time of the first message, in microseconds since 1970.
const BEGINNING: i64 = 1_790_000_000_000_000;

/// The time between two turns, in microseconds.
const PAUSE: i64 = 20_000_000;

/// The number of different words in all texts.
const VOCABULARY: usize = 5000;

/// The most frequent words of the texts; the others are generated.
const FREQUENT: [&str; 24] = [
    "the", "to", "and", "is", "of", "you", "a", "in", "for", "it", "can", "my", "on", "your", "order", "we", "be",
    "with", "have", "are", "if", "this", "delivery", "parcel",
];

/// A word in very few messages of the first owner.
pub(crate) const RARE: &str = "zyzzyva";

/// Two words that are each in many messages, but never in the same message.
pub(crate) const APART: [&str; 2] = ["monday", "friday"];

/// A frequent word that only the other owners use.
pub(crate) const OTHERS: &str = "solitude";

/// Words of a script without spaces.
pub(crate) const UNSPACED: &str = "天気";

/// The numbers of chats, turns and owners in the database.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// The number of chats of the first owner. One has a twentieth of the messages.
    pub(crate) chats: usize,
    /// The number of turns of the first owner, each of two messages.
    pub(crate) turns: usize,
    /// The number of further owners, who together have as many chats and turns as the first.
    pub(crate) others: usize,
}

/// The database to be filled.
pub(crate) enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    pub(crate) async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            return Self::Sqlite(SqliteConnection::connect(url).await.expect("a SQLite database"));
        }
        Self::Postgres(PgConnection::connect(url).await.expect("a PostgreSQL database"))
    }

    pub(crate) async fn run(&mut self, text: String) {
        let query = sqlx::raw_sql(AssertSqlSafe(text));
        match self {
            Self::Sqlite(connection) => query.execute(connection).await.map(|_| ()),
            Self::Postgres(connection) => query.execute(connection).await.map(|_| ()),
        }
        .expect("a valid statement");
    }

    async fn insert(&mut self, into: &str, rows: &[String]) {
        for rows in rows.chunks(ROWS) {
            self.run(format!("INSERT INTO {into} VALUES {}", rows.join(","))).await;
        }
    }

    /// Fills a database that contains only the account of its first owner.
    pub(crate) async fn fill(&mut self, size: Size) {
        let (chats, messages) = write_all(size);
        self.run("BEGIN".to_owned()).await;
        for _ in 0..size.others {
            self.run("INSERT INTO owners DEFAULT VALUES".to_owned()).await;
        }
        let rows = chats.iter().map(Chat::row).collect::<Vec<_>>();
        self.insert("chats (owner_id, title, is_titled, created_at, updated_at, message_count, turns)", &rows).await;
        let rows = messages.iter().map(Message::row).collect::<Vec<_>>();
        let into = "messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, created_at)";
        self.insert(into, &rows).await;
        let rows = messages.iter().zip(1..).map(|(message, id)| message.words_row(id, self)).collect::<Vec<_>>();
        let into = match self {
            Self::Sqlite(_) => "message_words (rowid, words)",
            Self::Postgres(_) => "message_words (message_id, owner_id, words)",
        };
        self.insert(into, &rows).await;
        self.run("COMMIT".to_owned()).await;
        if let Self::Postgres(_) = self {
            // Without this the server would vacuum during the measurement.
            self.run("VACUUM ANALYZE".to_owned()).await;
        }
    }
}

/// A chat; its ID is its index in the list.
struct Chat {
    owner: usize,
    turns: usize,
    updated_at: i64,
}

struct Message {
    chat: usize,
    owner: usize,
    turn: usize,
    sender: &'static str,
    text: String,
    created_at: i64,
}

impl Chat {
    fn row(&self) -> String {
        let Self { owner, turns, updated_at } = self;
        format!("({owner},'What is on my mind',1,{BEGINNING},{updated_at},{},{turns})", turns * 2)
    }
}

impl Message {
    fn row(&self) -> String {
        let Self { chat, owner, turn, sender, text, created_at } = self;
        format!("({chat},{owner},{turn},'{sender}','complete','{text}',0,'request-{chat}-{turn}',{created_at})")
    }

    fn words_row(&self, id: usize, database: &Database) -> String {
        let (owner, words) = (self.owner, search_terms(&self.text));
        match database {
            Database::Sqlite(_) => format!("({id},'\u{e000}{owner} {}')", words.join(" ")),
            Database::Postgres(_) => {
                let marked = words.iter().map(|word| format!("{owner}\u{e000}{word}")).collect::<Vec<_>>().join(" ");
                format!("({id},{owner},array_to_tsvector(string_to_array('{marked}',' ')))")
            }
        }
    }
}

/// Returns the chats and messages of all owners in order of time, alternating between chats.
fn write_all(size: Size) -> (Vec<Chat>, Vec<Message>) {
    let mut chats = Vec::new();
    let mut add = |owner, chats_of_owner: usize, turns: usize| {
        let big = turns / 20;
        let rest = turns - big;
        chats.push(Chat { owner, turns: big, updated_at: 0 });
        // An uneven distribution, in which the middle chats have the average size.
        let weight = |chat: usize| 10 + chat * 37 % 76;
        let total = (1..chats_of_owner).map(weight).sum::<usize>();
        chats.extend((1..chats_of_owner).map(|chat| Chat { owner, turns: rest * weight(chat) / total, updated_at: 0 }));
    };
    add(1, size.chats, size.turns);
    for owner in 0..size.others {
        add(owner + 2, size.chats / size.others, size.turns / size.others);
    }
    let mut random = StdRng::seed_from_u64(1);
    let mut order = (0..chats.len()).flat_map(|chat| vec![chat; chats[chat].turns]).collect::<Vec<_>>();
    order.shuffle(&mut random);
    let mut texts = Texts::new(random);
    let mut said = vec![0; chats.len()];
    let mut messages = Vec::new();
    for (chat, created_at) in order.into_iter().zip((BEGINNING..).step_by(usize::try_from(PAUSE).expect("a pause"))) {
        said[chat] += 1;
        chats[chat].updated_at = created_at;
        let owner = chats[chat].owner;
        for (sender, length) in [("user", 5..25), ("bot", 20..80)] {
            let text = texts.write(length, owner == 1);
            messages.push(Message { chat: chat + 1, owner, turn: said[chat], sender, text, created_at });
        }
    }
    (chats, messages)
}

struct Texts {
    random: StdRng,
    vocabulary: Vec<String>,
    written: usize,
}

impl Texts {
    fn new(mut random: StdRng) -> Self {
        let syllables = ["ba", "de", "lo", "mi", "nu", "par", "ser", "tan", "vel", "wor"];
        let mut vocabulary = FREQUENT.map(str::to_owned).to_vec();
        while vocabulary.len() < VOCABULARY {
            let length = random.random_range(2..=4);
            vocabulary.push((0..length).map(|_| syllables[random.random_range(0..syllables.len())]).collect());
        }
        Self { random, vocabulary, written: 0 }
    }

    /// Zipf's law, as in natural languages: the second most frequent word is half as frequent as the first, the third a
    /// third.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index of the vocabulary"
    )]
    fn word(&mut self) -> &str {
        let place = (VOCABULARY as f64).powf(self.random.random::<f64>()) - 1.0;
        &self.vocabulary[place as usize]
    }

    fn write(&mut self, length: std::ops::Range<usize>, is_first_owners: bool) -> String {
        self.written += 1;
        let mut text = String::new();
        for _ in 0..self.random.random_range(length) {
            let _ = write!(text, "{} ", self.word());
        }
        if self.random.random_ratio(1, 3) {
            text.push_str(if is_first_owners { APART[self.written % 2] } else { OTHERS });
        }
        if self.written.is_multiple_of(50) {
            text.push_str(" 明日の東京の天気");
        }
        if is_first_owners && self.random.random_ratio(1, 20_000) {
            let _ = write!(text, " {RARE}");
        }
        text
    }
}
