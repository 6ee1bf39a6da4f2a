/** What a shell script does with containers. Offsets are in the text of the script, in UTF-16 code units. */
export interface ContainerCommands {
  readonly starts: readonly ContainerStart[];
  readonly actions: readonly ContainerAction[];
  /** Where the shell's syntax couldn't be read, if something there looks as if it starts a container. */
  readonly unread: readonly { readonly at: number; readonly because: string }[];
}

/** A command that creates a container: `docker run`, `podman create`, `docker compose run`. */
export interface ContainerStart {
  /** The word of its program: `docker`, `$DOCKER`. */
  readonly at: number;
  readonly end: number;
  /** Where its last argument ends. */
  readonly commandEnd: number;
  readonly program: 'docker' | 'podman' | 'nerdctl' | 'compose';
  /** `compose` is the plugin of Docker, `docker-compose` may be version 1. */
  readonly composeAs?: 'plugin' | 'docker-compose';
  readonly verb: 'run' | 'create';
  /** Whether its options remove the container when it exits; `unknown` if variables decide. */
  readonly removes: 'yes' | 'no' | 'unknown';
  /** The variables that decide, as written: `$OPTS`, `"$@"`, `${{ matrix.opts }}`. */
  readonly deciding: readonly string[];
  /** Where ` --rm` belongs. Absent if that place isn't in the script, as in a variable that it doesn't set. */
  readonly insertAt?: number;
  /** The option that disables it (`--rm=false`), which is replaced instead. */
  readonly disabling?: { readonly at: number; readonly end: number };
  readonly isDetached: boolean;
  /** `unless-stopped`. Absent: `no`. */
  readonly restart?: string;
  readonly name?: Pattern;
  /** The file of `--cidfile`. */
  readonly cidFile?: Pattern;
  /** `ci=42` */
  readonly labels: readonly Pattern[];
  /** The variable that gets its id or its output: `cid` in `cid=$(docker run -d …)`. */
  readonly storedIn?: string;
  /** Absent for compose, and if it can't be read. */
  readonly image?: Pattern;
  /** The host that it runs on, of a command given to ssh: `deploy@edge-1`. */
  readonly remote?: string;
  /** Whether a comment says that the container is kept on purpose. */
  readonly isMeantToStay: boolean;
  /** Of compose, unless variables decide. */
  readonly service?: Pattern;
  /** When it runs, for `runsAfter`. More than one if it is in a function that is called more than once. */
  readonly moments?: readonly Moment[];
}

/** Something done with an existing container. */
export interface ContainerAction {
  readonly at: number;
  readonly verb: 'remove' | 'stop' | 'use';
  /** As written: `cp`, `logs`, `wait`, `rm`. */
  readonly word: string;
  readonly containers: readonly ContainerReference[];
  /** `trap`: at the exit of the shell, however it ends. Otherwise at its place in the script. */
  readonly runs: 'in-order' | 'trap';
  /** Of a removal: whether it also removes a container that is running (`rm -f`). */
  readonly isForced?: true;
  readonly remote?: string;
  /** When it runs, for `runsAfter` and `runsInAnyCase`. */
  readonly moments?: readonly Moment[];
}

/** `only`: a list or `prune` that leaves out the other containers. */
export type ContainerReference =
  /** `isPart`: also names that contain it, as with `docker ps --filter name=…`. */
  | {
      readonly by: 'name';
      readonly name: Pattern;
      readonly isPart?: true;
      readonly only?: 'stopped' | 'running';
    }
  | { readonly by: 'variable'; readonly variable: string }
  | { readonly by: 'cid-file'; readonly file: Pattern }
  | { readonly by: 'label'; readonly label: Pattern; readonly only?: 'stopped' | 'running' }
  | { readonly by: 'image'; readonly image: Pattern; readonly only?: 'stopped' | 'running' }
  /** Of the start at this offset, such as the newest: `docker ps -lq`. */
  | { readonly by: 'start'; readonly at: number }
  /** `docker rm $(docker ps -aq)`, `docker container prune`. */
  | { readonly by: 'all'; readonly only?: 'stopped' | 'running' }
  /** All one-off containers of compose version 1: `docker-compose rm`. Version 2 keeps them. */
  | { readonly by: 'compose' };

/** When a command runs, compared with others of the same script. */
export interface Moment {
  /** Commands run in ascending order, as far as conditions allow. */
  readonly order: number;
  readonly block: CommandBlock;
  /** How many commands before it may have ended each of its blocks early: with `exit`, `return`, `break`, or a failure under `set -e`. From the outermost. */
  readonly ends: readonly number[];
}

/** Commands that run together: a script, a function call, a branch, a loop, a subshell. */
export interface CommandBlock {
  readonly parent?: CommandBlock;
  /** 0 for the script. */
  readonly depth: number;
  /** `on-success`: only if what is before it succeeds (`a && b`). `sometimes`: depends on anything else. */
  readonly runs: 'always' | 'on-success' | 'sometimes';
  /** Blocks with the same one exclude each other: the branches of an `if`. */
  readonly choice?: number;
}

/** Text of which parts may only be known when it runs: `base:$BUILD_NUMBER`. Those are named as the file writes them. */
export interface Pattern {
  readonly parts: readonly ({ readonly text: string } | { readonly variable: string })[];
}

/** `base:*` */
export function patternText({ parts }: Pattern): string {
  return parts.map((part) => ('text' in part ? part.text : '*')).join('');
}

/** Whether both are the same text whenever their variables have the same values. */
export function isSamePattern(a: Pattern, b: Pattern): boolean {
  return patternKey(a) === patternKey(b);
}

/** Patterns with the same one are the same text whenever their variables have the same values. */
export function patternKey({ parts }: Pattern): string {
  return JSON.stringify(parts.map((part) => ('text' in part ? part.text : [part.variable])));
}
