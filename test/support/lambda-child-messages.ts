/** What the test tells the child, and what the child answers. */
export interface ChildCommand {
  readonly id: number;
  readonly command: /** Invokes a handler that does not stream, as the scheduler and CloudWatch do. */
    | { readonly type: 'invoke'; readonly event: unknown }
    /** Answers once the invocations so far are over, work after the answer's end included. */
    | { readonly type: 'wait-until-idle' }
    /** Lets time pass for the child, as when its environment was frozen. */
    | { readonly type: 'pass-time'; readonly milliseconds: number };
}

export type ChildMessage =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'result'; readonly id: number; readonly result?: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string };
