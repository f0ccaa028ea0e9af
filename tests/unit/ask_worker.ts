/**
 * Workers that answer one question.
 *
 * @module
 */

/** In a worker: answers what it is asked. */
export function answerWith<Q, A>(answer: (question: Q) => A): void {
  const scope = self as unknown as Pick<Worker, "onmessage" | "postMessage">;
  scope.onmessage = ({ data }) => scope.postMessage(answer(data));
}

/** Asks a worker that is made for it, and ended. */
export async function askWorker<Q, A>(url: URL, question: Q): Promise<A> {
  const worker = new Worker(url, { type: "module" });
  const told = new Promise<A>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(event.error ?? event.message);
  });
  worker.postMessage(question);
  try {
    return await told;
  } finally {
    worker.terminate();
  }
}
