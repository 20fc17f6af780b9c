/** Longer messages are cut: some upstreams send back what they were sent. */
const MAX_MESSAGE_LENGTH = 1000;
const CREDENTIAL = /\b(?:sk|gsk|xai|pplx|csk|AIza)[-_*.\w]{8,}/g;

/** A provider's own words, fit for a caller: providers quote the credential they refused. */
export const presentableMessage = (message: string): string =>
  message.slice(0, MAX_MESSAGE_LENGTH).replace(CREDENTIAL, '[credential]');
