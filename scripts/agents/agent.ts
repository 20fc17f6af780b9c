import type { DialectId } from '../../lambda/dialects/dialect.ts';
import type { Json } from '../../lambda/domain/json.ts';
import type { ProviderName } from './providers.ts';

/** What an agent is started with. */
export interface Assignment {
  /** Where it takes its model to be: without `/v1`. */
  readonly url: string;
  /** A virtual key. */
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
  /** Its throw-away home. */
  readonly home: string;
}

/** How an agent is started without anybody there to ask. */
export interface Launch {
  /** What follows the program's name. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Files it wants in its home, by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** A coding agent, speaking one format. */
export interface Agent {
  /** What it is called on the command line. */
  readonly id: string;
  readonly name: string;
  readonly packageName: string;
  /** The version that was tried. */
  readonly version: string;
  /** The program the package brings. */
  readonly binary: string;
  readonly dialect: DialectId;
  /** Whose format that is. */
  readonly ownProvider: ProviderName;
  /** The name of the model it is told to use, then names it uses by itself (for titles, say). */
  readonly models: readonly [string, ...string[]];
  launch(assignment: Assignment): Launch;
  /** What a line of its JSON output adds to its final answer. */
  answerIn(line: Json): string;
}
