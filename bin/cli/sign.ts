/** A request as it goes out. */
interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The headers that prove who sends a request; they replace the request's own of the same name. */
export type Sign = (request: OutgoingRequest) => Promise<Readonly<Record<string, string>>>;
