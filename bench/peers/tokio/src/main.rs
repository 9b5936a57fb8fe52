// main.rs: our rows with tokio tasks and their mpsc channels, the nearest that tokio has to actors and mailboxes.
// Usage: tokio_peer REPETITIONS, prints lines "ROW ns_per_item checksum"; what each row does is in README.md.
use std::future::Future;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

enum Mail {
    Number(u64),
    Sum(oneshot::Sender<u64>),
}

async fn adder(mut mail: mpsc::UnboundedReceiver<Mail>) {
    let mut sum = 0;
    while let Some(message) = mail.recv().await {
        match message {
            Mail::Number(value) => sum += value,
            Mail::Sum(reply) => {
                let _ = reply.send(sum);
                sum = 0;
            }
        }
    }
}

async fn ask_sum(to: &mpsc::UnboundedSender<Mail>) -> u64 {
    let (reply, answer) = oneshot::channel();
    let _ = to.send(Mail::Sum(reply));
    answer.await.unwrap()
}

async fn tell_window() -> u64 {
    let (to, mail) = mpsc::unbounded_channel();
    tokio::spawn(adder(mail));
    let mut total = 0;
    for _ in 0..1_000 {
        for i in 0..1_000 {
            let _ = to.send(Mail::Number(i));
        }
        total += ask_sum(&to).await;
    }
    total
}

async fn ask() -> u64 {
    let (to, mail) = mpsc::unbounded_channel();
    tokio::spawn(adder(mail));
    let mut answered = 0;
    for _ in 0..200_000 {
        ask_sum(&to).await;
        answered += 1;
    }
    answered
}

async fn ring() -> u64 {
    const SIZE: usize = 503;
    let (done, mut rest) = mpsc::unbounded_channel();
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..SIZE).map(|_| mpsc::unbounded_channel::<u64>()).unzip();
    let mut nodes = Vec::new();
    for (i, mut mail) in receivers.into_iter().enumerate() {
        let next = senders[(i + 1) % SIZE].clone();
        let done = done.clone();
        nodes.push(tokio::spawn(async move {
            let mut seen = 0;
            while let Some(hops_left) = mail.recv().await {
                if hops_left == u64::MAX {
                    break;
                }
                seen += 1;
                if hops_left > 0 {
                    let _ = next.send(hops_left - 1);
                } else {
                    let _ = done.send(());
                }
            }
            seen
        }));
    }
    let _ = senders[0].send(500_000);
    rest.recv().await;
    for sender in &senders {
        let _ = sender.send(u64::MAX);
    }
    let mut seen_by_first = 0;
    for (i, node) in nodes.into_iter().enumerate() {
        let seen: u64 = node.await.unwrap();
        if i == 0 {
            seen_by_first = seen;
        }
    }
    seen_by_first
}

async fn spawn_tell_stop() -> u64 {
    let mut spawned = 0;
    for _ in 0..100 {
        let mut living = Vec::with_capacity(1_000);
        for i in 0..1_000u64 {
            let (to, mut mail) = mpsc::unbounded_channel::<u64>();
            living.push(tokio::spawn(async move { mail.recv().await.unwrap_or(0) }));
            let _ = to.send(i);
        }
        for each in living {
            let _ = each.await;
            spawned += 1;
        }
    }
    spawned
}

/// Runs `act` once unmeasured and then once measured, as a task of a runtime of its own.
fn row<F, Fut>(name: &str, workers: usize, items: u64, act: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = u64> + Send + 'static,
{
    let runtime: Runtime = if workers == 1 {
        Builder::new_current_thread().build().unwrap()
    } else {
        Builder::new_multi_thread().worker_threads(workers).build().unwrap()
    };
    let run = || runtime.block_on(async { tokio::spawn(act()).await.unwrap() });
    run();
    let began = Instant::now();
    let checksum = run();
    let took = began.elapsed().as_nanos() as f64;
    println!("{} {:.2} {}", name, took / items as f64, checksum);
}

fn main() {
    let repetitions: u32 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    for _ in 0..repetitions {
        row("F1a", 1, 1_000_000, tell_window);
        row("F1b", 2, 1_000_000, tell_window);
        row("F1e", 1, 500_000, ring);
        row("F2a", 1, 200_000, ask);
        row("F3a", 1, 100_000, spawn_tell_stop);
    }
}
