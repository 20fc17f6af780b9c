/** How a call is proven where a header made of the credential alone does not do. */
export type SigningScheme = 'aws-sigv4' | 'google-oauth';

/** A call that is ready but for its proof. Header names are lower-case. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What will be sent, byte for byte. */
  readonly body: string | Uint8Array;
}

/** Proves who calls. One object a process; it keeps what its proofs are made of until that expires. */
export interface RequestSigner {
  /**
   * The headers that prove it, beside the request's own.
   * @param credential the provider's credential, where it has one
   * @throws GatewayError `upstream_authentication_failed` where there is nothing to prove it with
   */
  sign(request: UnsignedRequest, credential: string | undefined): Promise<Readonly<Record<string, string>>>;
  /** The provider has refused the proof: what it is made of is had anew. False where there is nothing newer. Never throws. */
  renew(credential: string | undefined): Promise<boolean>;
}

export type RequestSigners = Readonly<Record<SigningScheme, RequestSigner>>;
