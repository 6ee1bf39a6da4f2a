import type { Run } from './groovy-text.ts';

/** A text in the file. Its holes have values that the file sets elsewhere, or that only the run knows. */
export type GroovyText = readonly (Run | Hole)[];

export interface Hole {
  readonly at: number;
  readonly end: number;
  readonly stands:
    | { readonly for: 'name'; readonly groovy: GroovyVariable; readonly environment: GroovyVariable }
    | { readonly for: 'environment'; readonly environment: GroovyVariable }
    | {
        readonly for: 'expression';
        /** Expressions with the same one have the same value. Absent if each evaluation may give another one. */
        readonly key?: string;
        /** The variable that it begins with. */
        readonly root?: GroovyVariable;
        readonly values: readonly (GroovyText | undefined)[];
      };
}

/** A variable of Groovy, or an environment variable. */
export interface GroovyVariable {
  readonly id: number;
  readonly name: string;
  /** All values that the file assigns to it; undefined for one that isn't a text in the file. */
  readonly values: (GroovyText | undefined)[];
  /** Whether the file declares or assigns it. Otherwise, Groovy takes the environment variable of the same name. */
  isSet: boolean;
  /** What it is, if it is an object of the Docker Pipeline plugin. */
  image?: PluginImage;
  container?: PluginContainer;
}

/** `docker.image(…)`, `docker.build(…)` */
export interface PluginImage {
  readonly name: GroovyText | undefined;
}

/** What `.run(…)` of an image returns. */
export interface PluginContainer {
  readonly at: number;
  readonly end: number;
  readonly image: PluginImage;
  readonly options: GroovyText | undefined;
  readonly isMeantToStay: boolean;
}

export function isHole(part: Run | Hole): part is Hole {
  return 'stands' in part;
}
