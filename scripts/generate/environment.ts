import { metaOf } from '../../src/config/schema-walk.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { table } from './regions.ts';

interface Variable {
  readonly name: string;
  readonly about: string;
  readonly byDefault: string | undefined;
}

const variables: readonly Variable[] = Object.entries(settingsSchema.shape).map(([name, schema]) => {
  const { success, data } = schema.safeParse(undefined);
  return {
    name,
    about: metaOf(schema).description ?? '',
    byDefault: success ? String(data) : undefined,
  };
});

/** `.env.example`: a variable with a default is a comment, any other is empty. */
export function writeEnvExample(): string {
  const head =
    '# Copy this file to .env and fill in what you need. Variables that are set in the environment take precedence.\n# Generated from src/config/settings.ts by `npm run generate`.\n';
  const parts = variables.map(({ name, about, byDefault }) =>
    [`# ${about}`, byDefault === undefined ? `${name}=` : `# ${name}=${byDefault}`, ''].join('\n'),
  );
  return [head, ...parts].join('\n');
}

export function environmentTable(): string {
  const rows = variables.map(({ name, about, byDefault }) => [
    `\`${name}\``,
    byDefault === undefined ? '' : `\`${byDefault}\``,
    about,
  ]);
  return table(['variable', 'default', 'description'], rows);
}
