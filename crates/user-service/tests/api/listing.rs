//! Lists whose filters and orders are combined: each against a model in memory, page by page, with totals.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stage::{Place, Stage, on_both_stores};

on_both_stores!(
    every_combination_lists_what_the_model_lists,
    an_owner_is_listed_if_the_rest_holds_too,
    pages_hold_everybody_once_while_users_change,
    a_list_says_how_many_it_has,
    a_token_of_one_list_is_none_of_another,
    a_rare_text_among_many_users_is_found_in_every_order,
);

const STATUSES: [&str; 4] = ["ACTIVE", "INACTIVE", "SUSPENDED", "DELETED"];
const ORDERS: [&str; 8] = [
    "created_at",
    "created_at desc",
    "updated_at",
    "updated_at desc",
    "email",
    "email desc",
    "username",
    "username desc",
];
/// Anybody, many, some, one, nobody; and two that are shorter than what an index takes.
const QUERIES: [&str; 7] = ["", "EXAMPLE", "Ann", "annika.3", "nobody", "a", "3@"];

/// A user of the model: as `GetUser` shows her.
#[derive(Clone)]
struct Known(Value);

impl Known {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    fn time(&self, field: &str) -> Timestamp {
        self.text(field).parse().expect("it is a time")
    }

    /// What she is sorted by; ids end ties.
    fn key(&self, order: &str) -> (Option<Timestamp>, String, String) {
        let id = self.text("id").to_owned();
        match order.trim_end_matches(" desc") {
            "created_at" => (Some(self.time("createdAt")), String::new(), id),
            "updated_at" => (Some(self.time("updatedAt")), String::new(), id),
            field => (None, self.text(field).to_lowercase(), id),
        }
    }

    fn is_called(&self, query: &str) -> bool {
        let query = query.to_lowercase();
        let fields = ["email", "username", "firstName", "lastName"];
        fields.iter().any(|field| self.text(field).to_lowercase().contains(&query))
    }
}

/// Twelve users of all statuses, in no order of anything but their creation.
async fn people(stage: &Stage) -> Vec<Known> {
    let names =
        ["Zoe", "annika.3", "Bert", "anna", "Yan", "ANNE", "carl", "Xi", "annika.4", "dora", "Hannah", "Ed"];
    let mut known = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let user = stage.create(name).await;
        let names = json!({"id": user.id(), "firstName": names[(n * 5 + 3) % 12], "lastName": "Same"});
        if n % 3 == 0 {
            stage.ok("UpdateUser", names).await;
        }
        known.push(user);
    }
    for (n, user) in known.iter().enumerate().rev() {
        match n % 5 {
            1 => drop(stage.change("DeactivateUser", user).await),
            2 => drop(stage.change("SuspendUser", user).await),
            3 => drop(stage.change("DeleteUser", user).await),
            _ => {}
        }
    }
    let mut people = Vec::new();
    for user in known {
        people.push(Known(stage.get(&user).await.0));
    }
    people
}

/// All pages of a list, by username, and what was said of its total.
async fn listed(stage: &Stage, question: &Value) -> (Vec<String>, Value) {
    let (mut request, mut found, mut total) = (question.clone(), Vec::new(), Value::Null);
    request["includeTotal"] = json!(true);
    request["minPosition"] = json!(stage.head().await.to_string());
    loop {
        let page = stage.ok("ListUsers", request.clone()).await;
        found.extend(names(&page));
        if request.get("pageToken").is_none() {
            total = page.get("totalSize").unwrap_or(&page["totalRefused"]).clone();
        }
        request["includeTotal"] = json!(false);
        match page.get("nextPageToken") {
            Some(token) => request["pageToken"] = token.clone(),
            None => return (found, total),
        }
    }
}

fn names(page: &Value) -> Vec<String> {
    let users = page["users"].as_array().map_or(&[][..], Vec::as_slice);
    users.iter().map(|user| user["username"].as_str().expect("she has one").to_owned()).collect()
}

/// What the model lists.
fn expected(people: &[Known], question: &Value) -> Vec<String> {
    let filter = &question["filter"];
    let asked: Vec<_> = filter["statuses"].as_array().into_iter().flatten().collect();
    let bound = |field: &str| filter[field].as_str().map(|time| time.parse::<Timestamp>().expect("a time"));
    let (from, until) = (bound("createdFrom"), bound("createdUntil"));
    let mut wanted: Vec<_> = people
        .iter()
        .filter(|user| {
            let unless_asked = asked.is_empty() && user.text("status") != "USER_STATUS_DELETED";
            unless_asked || asked.iter().any(|status| **status == user.0["status"])
        })
        .filter(|user| user.is_called(filter["query"].as_str().unwrap_or_default()))
        .filter(|user| from.is_none_or(|from| user.time("createdAt") >= from))
        .filter(|user| until.is_none_or(|until| user.time("createdAt") < until))
        .collect();
    let order = question["orderBy"].as_str().unwrap_or("created_at desc");
    wanted.sort_by_key(|user| user.key(order));
    if order.ends_with(" desc") {
        wanted.reverse();
    }
    wanted.into_iter().map(|user| user.text("username").to_owned()).collect()
}

/// Every set of statuses, every query, every way to bound the creation, every order: so many that each run looks at one in
/// eleven, which shares no factor with any of their numbers.
async fn every_combination_lists_what_the_model_lists(stage: &Stage) {
    let people = people(stage).await;
    let bounds = [None, Some(people[3].text("createdAt")), Some(people[8].text("createdAt"))];
    let all = 16 * QUERIES.len() * bounds.len() * 2 * ORDERS.len();
    for n in (0..all).step_by(11) {
        let (statuses, n) = (n % 16, n / 16);
        let (query, n) = (QUERIES[n % QUERIES.len()], n / QUERIES.len());
        let (bound, n) = (bounds[n % bounds.len()], n / bounds.len());
        let (until, order) = (n % 2 == 1, ORDERS[n / 2]);
        let named = STATUSES.iter().enumerate().filter(|(bit, _)| statuses & (1 << bit) != 0);
        let named: Vec<_> = named.map(|(_, status)| format!("USER_STATUS_{status}")).collect();
        let mut filter = json!({"statuses": named, "query": query});
        if let Some(bound) = bound {
            filter[if until { "createdUntil" } else { "createdFrom" }] = json!(bound);
        }
        let question = json!({"filter": filter, "orderBy": order, "pageSize": 1 + n % 5});
        let (found, total) = listed(stage, &question).await;
        let expected = expected(&people, &question);
        assert_eq!(found, expected, "{question}");
        // What is shorter than three letters is in no index.
        let is_counted = query.is_empty() || query.len() >= 3;
        let count = if is_counted { expected.len().to_string() } else { "TOTAL_TOO_COSTLY".to_owned() };
        assert_eq!(total, json!(count), "{question}");
    }
}

async fn an_owner_is_listed_if_the_rest_holds_too(stage: &Stage) {
    let people = people(stage).await;
    let times = [people[0].text("createdAt"), people[1].text("createdAt")];
    for (filter, who) in [
        (json!({"email": "ZOE@example.org"}), "Zoe"),
        (json!({"username": "zoe"}), "Zoe"),
        (json!({"username": "zoe", "email": "zoe@EXAMPLE.org"}), "Zoe"),
        (json!({"username": "bert", "email": "zoe@example.org"}), ""),
        (json!({"email": "nobody@example.org"}), ""),
        (json!({"email": "zoe@example.org", "statuses": ["USER_STATUS_ACTIVE"]}), "Zoe"),
        (json!({"email": "zoe@example.org", "statuses": ["USER_STATUS_SUSPENDED"]}), ""),
        (json!({"email": "zoe@example.org", "query": "same"}), "Zoe"),
        (json!({"email": "zoe@example.org", "query": "bert"}), ""),
        (json!({"email": "zoe@example.org", "createdFrom": times[0], "createdUntil": times[1]}), "Zoe"),
        (json!({"email": "zoe@example.org", "createdFrom": times[1]}), ""),
        (json!({"username": "anna"}), ""),
        (json!({"username": "anna", "statuses": ["USER_STATUS_DELETED"]}), "anna"),
    ] {
        for order in ["", "email desc"] {
            let question = json!({"filter": filter, "orderBy": order});
            let (found, total) = listed(stage, &question).await;
            assert_eq!(found.join(" "), who, "{question}");
            assert_eq!(total, json!(found.len().to_string()), "{question}");
        }
    }
}

/// Whoever stays as she is stands on one page, both ways, whatever happens to others between two of them.
async fn pages_hold_everybody_once_while_users_change(stage: &Stage) {
    let mut still = Vec::new();
    for n in 0..6 {
        still.push(stage.create(&format!("still{n}")).await.text("username").to_owned());
        stage.create(&format!("moves{n}")).await;
    }
    for (round, order) in ORDERS.iter().enumerate() {
        let mut request = json!({"pageSize": 5, "orderBy": order, "filter": {"query": "example"}});
        let mut seen = Vec::new();
        for page in 0.. {
            let created = stage.create(&format!("new{round}x{page}")).await;
            let moved = json!({"id": created.id(), "email": format!("a{round}x{page}@example.org")});
            let moved = stage.ok("UpdateUser", moved).await;
            request["minPosition"] = moved["position"].clone();
            if page % 2 == 1 {
                stage.change("DeleteUser", &created).await;
                stage.change("EraseUser", &created).await;
            }
            let answer = stage.ok("ListUsers", request.clone()).await;
            seen.extend(names(&answer));
            match answer.get("nextPageToken") {
                Some(token) if page < 40 => request["pageToken"] = token.clone(),
                Some(_) | None => break,
            }
        }
        let stood: Vec<_> = seen.iter().filter(|name| still.contains(name)).cloned().collect();
        let mut expected = still.clone();
        if order.ends_with(" desc") {
            expected.reverse();
        }
        assert_eq!(stood, expected, "{order}");
    }
}

async fn a_list_says_how_many_it_has(stage: &Stage) {
    let people = people(stage).await;
    let head = stage.head().await.to_string();
    let total = async |filter: Value| {
        let asked = json!({"filter": filter, "includeTotal": true, "pageSize": 1, "minPosition": head});
        let page = stage.ok("ListUsers", asked).await;
        assert_eq!(page["totalPosition"], json!(head));
        page["totalSize"].as_str().expect("it is counted").parse::<usize>().expect("a number")
    };
    let of = |status: &str| people.iter().filter(|user| user.text("status") == status).count();
    assert_eq!(total(json!({})).await, 12 - of("USER_STATUS_DELETED"));
    for status in STATUSES {
        let status = format!("USER_STATUS_{status}");
        assert_eq!(total(json!({"statuses": [status]})).await, of(&status));
    }
    assert_eq!(total(json!({"createdFrom": people[11].text("createdAt")})).await, 1);
    let plain = stage.ok("ListUsers", json!({})).await;
    assert_eq!((plain.get("totalSize"), plain.get("totalRefused")), (None, None), "nobody asked");
    let past = stage.ok("ListUsers", json!({"asOf": {"position": head}, "includeTotal": true})).await;
    assert_eq!((past.get("totalSize"), &past["totalRefused"]), (None, &json!("TOTAL_TOO_COSTLY")));
}

async fn a_token_of_one_list_is_none_of_another(stage: &Stage) {
    let people = people(stage).await;
    let (early, late) = (people[2].text("createdAt"), people[9].text("createdAt"));
    let head = stage.head().await.to_string();
    let questions = [
        json!({}),
        json!({"filter": {"statuses": ["USER_STATUS_ACTIVE", "USER_STATUS_DELETED"]}}),
        json!({"orderBy": "created_at"}),
        json!({"orderBy": "email"}),
        json!({"orderBy": "email", "filter": {"query": "ann"}}),
        json!({"filter": {"createdFrom": early}}),
        json!({"filter": {"createdFrom": early, "createdUntil": late}}),
        json!({"filter": {"createdUntil": late}}),
        json!({"asOf": {"position": head}}),
        json!({"asOf": {"position": "12"}}),
    ];
    let mut tokens = Vec::new();
    for question in &questions {
        let mut first = question.clone();
        first["pageSize"] = json!(1);
        if question.get("asOf").is_none() {
            first["minPosition"] = json!(head);
        }
        let token =
            stage.ok("ListUsers", first).await["nextPageToken"].as_str().expect("a page follows").to_owned();
        tokens.push(token);
    }
    let bad = "invalid_argument BAD_PAGE_TOKEN page_token";
    for (n, question) in questions.iter().enumerate() {
        let with = |token: &str| {
            let mut request = question.clone();
            request["pageToken"] = json!(token);
            request
        };
        stage.ok("ListUsers", with(&tokens[n])).await;
        for (other, token) in tokens.iter().enumerate().filter(|(other, _)| *other != n) {
            assert_eq!(stage.refused("ListUsers", with(token)).await, bad, "{other} for {question}");
        }
        let own = &tokens[n];
        let cut = &own[..own.len() - 4];
        let changed = format!("{}{}", if own.starts_with('A') { "B" } else { "A" }, &own[1..]);
        for forged in [cut, &changed, &format!("{own}AAAA")] {
            assert_eq!(stage.refused("ListUsers", with(forged)).await, bad, "{question}");
        }
    }
    for owner in [json!({"email": "zoe@example.org"}), json!({"username": "zoe"})] {
        for as_of in [json!(null), json!({"position": head})] {
            let request = json!({"filter": owner, "asOf": as_of, "pageToken": tokens[0]});
            assert_eq!(stage.refused("ListUsers", request).await, bad, "she is on one page");
        }
    }
}

/// A thousand others, of whom the log knows nothing; on SQLite, two hundred to a block of the index.
async fn crowd(stage: &Stage) {
    let (id, apart) = match &stage.place {
        Place::Sqlite(_) => ("randomblob(16)", 20),
        Place::Postgres(_) => ("gen_random_uuid()", 1),
    };
    let copied = "first_name, last_name, avatar_url, status, standing, created_at, last_updated, deleted_at, version, position";
    let statement = format!(
        "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 1000) \
         INSERT INTO user_search (id, email, username, {copied}, email_key, username_key, folded, created_position) \
         SELECT {id}, 'm' || n, 'm' || n, {copied}, 'm' || n, 'm' || n, 'one of many ' || n, 100000 + {apart} * n FROM many, \
            (SELECT * FROM user_search WHERE username = 'Zoe') AS zoe"
    );
    stage.place.damage(&statement).await;
    match &stage.place {
        Place::Sqlite(_) => stage.place.damage(INDEX_OF_THE_CROWD).await,
        Place::Postgres(_) => {}
    }
}

/// What the store would have written with its rows.
const INDEX_OF_THE_CROWD: &str = "
    WITH text(text) AS (VALUES ('one of many ')),
        letters(n, letter) AS (
            SELECT value, unicode(substr(text, value, 1)) FROM text, json_each('[1,2,3,4,5,6,7,8,9,10,11,12]')
        ),
        trigrams(trigram) AS (
            SELECT (a.letter << 42) | (b.letter << 21) | c.letter
            FROM letters a JOIN letters b ON b.n = a.n + 1 JOIN letters c ON c.n = a.n + 2
        )
    INSERT INTO user_search_trigrams (trigram, block, folded)
    SELECT trigram, created_position >> 12,
        unhex(group_concat(printf('%04X', created_position & 4095), '' ORDER BY created_position))
    FROM trigrams, user_search, text WHERE folded LIKE text || '%' GROUP BY 1, 2";

async fn a_rare_text_among_many_users_is_found_in_every_order(stage: &Stage) {
    let people = people(stage).await;
    let head = json!({"minPosition": stage.head().await.to_string(), "orderBy": "email"});
    stage.ok("ListUsers", head).await;
    crowd(stage).await;
    for query in ["Same", "ann", "annika.3", "hanna", "a\"b", "nobody's"] {
        for order in ORDERS {
            let question = json!({"filter": {"query": query}, "orderBy": order, "pageSize": 2});
            let (found, total) = listed(stage, &question).await;
            let expected = expected(&people, &question);
            // Trigrams of PostgreSQL are of letters and digits, and here no three of them stand in a row.
            let is_counted = matches!(stage.place, Place::Sqlite(_)) || query != "a\"b";
            let count = if is_counted { expected.len().to_string() } else { "TOTAL_TOO_COSTLY".to_owned() };
            assert_eq!(total, json!(count), "{question}");
            assert_eq!(found, expected, "{question}");
        }
    }
    let many = json!({"filter": {"query": "many"}, "includeTotal": true, "pageSize": 200});
    let page = stage.ok("ListUsers", many).await;
    assert_eq!((&page["totalSize"], names(&page).len()), (&json!("1000"), 200));
    let rare = people.iter().find(|user| user.is_called("annika.3")).expect("she is there");
    stage.ok("DeleteUser", json!({"id": rare.text("id")})).await;
    stage.ok("EraseUser", json!({"id": rare.text("id")})).await;
    let gone =
        json!({"filter": {"query": "annika.3", "statuses": ["USER_STATUS_DELETED"]}, "includeTotal": true});
    let gone = stage.ok("ListUsers", gone).await;
    assert_eq!((names(&gone).len(), &gone["totalSize"]), (0, &json!("0")), "at once");
}
