import { scopeName } from '../domain/money/budget.ts';
import type { ScopeSettings } from '../domain/scope-settings.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyReader } from '../ports/key-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Tags that have settings, as this process knows them: callers may name any tag, and few have any. */
export interface TagDirectory {
  /** By scope name; at most five minutes old. @throws GatewayError `store_unavailable` where it was never read */
  current(): Promise<ReadonlyMap<string, ScopeSettings>>;
  /** Reads it anew, after the store has said that a tag has changed. */
  again(): Promise<ReadonlyMap<string, ScopeSettings>>;
  /** Reads it again when that is due. For after an answer's end. */
  refresh(): Promise<void>;
}

const STALE_AFTER_MS = 300_000;
const REFRESH_AFTER_MS = 15_000;

export function tagDirectory({
  reader,
  clock,
  telemetry,
}: {
  readonly reader: Pick<KeyReader, 'tags'>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'problem'>;
}): TagDirectory {
  let known: ReadonlyMap<string, ScopeSettings> | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;

  async function read(): Promise<ReadonlyMap<string, ScopeSettings>> {
    const startedAtMs = clock.now();
    const tags = await reader.tags();
    known = new Map(tags.map((settings) => [scopeName(settings.scope), settings]));
    readAtMs = startedAtMs;
    return known;
  }

  return {
    current: async () => (known === undefined || clock.now() - readAtMs >= STALE_AFTER_MS ? read() : known),
    again: read,
    async refresh() {
      if (clock.now() - readAtMs < REFRESH_AFTER_MS) return;
      try {
        await read();
      } catch (error) {
        telemetry.problem('The settings of tags could not be read; those last known are used.', error);
      }
    },
  };
}
