const NAME = String.raw`[\w.-]{0,80}?(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|pwd)[\w.-]{0,80}`;
const VALUE = String.raw`("[^"]{0,500}"|'[^']{0,500}'|[^\s'"]{1,500})`;

/** `DB_PASSWORD=…` and `--token …`: a name that indicates a secret, and its value. */
const NAMED = new RegExp(
  String.raw`((?:(?:^|[\s'"=,;:])${NAME}=)|(?:(?:^|\s)--?${NAME}\s+(?=[^-\s])))${VALUE}`,
  'gi',
);

/** Values that aren't in the file: `$TOKEN`, `"${{ secrets.TOKEN }}"`, `%s`. */
const ELSEWHERE = /^["']?(?:\$|%|`)/;

/** A command without the values of what its name calls a secret. People read it in Slack; the file itself is changed as it is. */
export function withoutSecrets(command: string): string {
  return command.replace(NAMED, (whole: string, name: string, value: string) =>
    ELSEWHERE.test(value) ? whole : `${name}…`,
  );
}
