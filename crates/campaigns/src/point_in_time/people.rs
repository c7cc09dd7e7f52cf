//! Whoever is erased, one after the other, and somebody who stays: are they there, or gone, as they should be?

use connectrpc::ErrorCode;
use user_api::oneof::get_user_request;
use user_api::v1;

use crate::order::Order;
use crate::verdict::Findings;
use crate::wire::Client;

#[derive(Clone, Debug)]
pub(super) struct People {
    /// The first so many are erased.
    ids: Vec<String>,
    erased: usize,
}

impl People {
    /// So many, besides the one who stays.
    pub(super) async fn welcome(client: &Client, count: usize) -> anyhow::Result<Self> {
        let mut ids = Vec::new();
        for n in 0..=count {
            let create = Order::Create { email: email(n), username: format!("passing-{n}") };
            ids.push(create.send(client, None).await?.user.id);
        }
        Ok(Self { ids, erased: 0 })
    }

    /// The next one is gone for good.
    pub(super) async fn erase_next(&mut self, client: &Client) -> anyhow::Result<()> {
        let id = self.ids[self.erased].clone();
        Order::Delete { id: id.clone() }.send(client, None).await?;
        Order::Erase { id }.send(client, None).await?;
        self.erased += 1;
        Ok(())
    }

    pub(super) fn erased(&self) -> usize {
        self.erased
    }

    /// Whoever has ever been erased is, and nobody else.
    pub(super) async fn examine(&self, client: &Client, findings: &mut Findings) {
        for (n, id) in self.ids.iter().enumerate() {
            let by = Some(get_user_request::By::Id(id.clone()));
            let found = client.get_user(v1::GetUserRequest { by, ..Default::default() }).await;
            match found.map_err(|error| error.code) {
                Ok(_) if n < self.erased => findings.add("somebody who was erased is there again", id),
                Err(ErrorCode::NotFound) if n >= self.erased => {
                    findings.add("somebody is not there any more", id);
                }
                Ok(_) | Err(ErrorCode::NotFound) => {}
                Err(code) => findings.add("nobody says who is there", format!("{code:?}")),
            }
        }
    }

    /// What is done to the one who stays, and somebody new who gets the address of one who is gone. How many events that is.
    pub(super) async fn go_on(
        &self,
        client: &Client,
        head: u64,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let (id, etag) = (self.ids[self.ids.len() - 1].clone(), String::new());
        let rename = Order::Update { id, etag, first_name: "Afterwards".to_owned(), email: None };
        let create = Order::Create { email: email(0), username: "newcomer".to_owned() };
        for (order, position) in [(rename, head + 1), (create, head + 2)] {
            let told = order.send(client, None).await?;
            if told.position != position {
                let example = format!("{}, not {position}", told.position);
                findings.add("what happens next does not stand where the log ended", example);
            }
        }
        Ok(())
    }
}

fn email(n: usize) -> String {
    format!("passing-{n}@example.org")
}
