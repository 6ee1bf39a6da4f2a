import type { JsonObject } from '../../wire/json-object.ts';

/**
 * The names that a role doesn't allow, as far as its rules tell: https://developer.hashicorp.com/vault/api-docs/secret/pki#create-update-role. Vault
 * decides; this only finds out before a plan is approved.
 * @param names with their kind: `DNS:www.example.com`
 */
export function namesNotAllowed(
  rules: JsonObject,
  commonName: string | undefined,
  names: readonly string[],
): readonly string[] {
  const validations = rules['cn_validations'];
  const isChecked = !Array.isArray(validations) || !validations.includes('disabled');
  const common = commonName !== undefined && isChecked && isDomain(commonName) ? [`DNS:${commonName}`] : [];
  return [...new Set([...common, ...names])].filter((name) => !isAllowed(rules, name));
}

function isDomain(name: string): boolean {
  return /^[*\w-]+(\.[\w-]+)+\.?$/.test(name);
}

function isAllowed(rules: JsonObject, name: string): boolean {
  const kind = name.slice(0, name.indexOf(':'));
  const value = name.slice(kind.length + 1);
  if (kind === 'IP') return rules['allow_ip_sans'] !== false;
  if (kind === 'URI') return isUriAllowed(rules, value);
  if (kind === 'DNS') return isDomainAllowed(rules, value.toLowerCase());
  return true;
}

function isUriAllowed(rules: JsonObject, uri: string): boolean {
  const allowed = rules['allowed_uri_sans'];
  if (rules['allowed_uri_sans_template'] === true || !Array.isArray(allowed)) return true;
  return allowed.some((pattern) => matchesGlob(String(pattern), uri));
}

function isDomainAllowed(rules: JsonObject, name: string): boolean {
  const { allowed_domains: allowed } = rules;
  if (rules['allow_any_name'] === true || rules['allowed_domains_template'] === true) return true;
  if (rules['allow_token_displayname'] === true || !Array.isArray(allowed)) return true;
  if (name.startsWith('*') && rules['allow_wildcard_certificates'] === false) return false;
  if (/^localhost(\.localdomain)?$/.test(name) && rules['allow_localhost'] !== false) return true;
  return allowed.some((one) => {
    const domain = String(one).toLowerCase();
    return (
      (rules['allow_bare_domains'] === true && name === domain) ||
      (rules['allow_subdomains'] === true && name.endsWith(`.${domain}`)) ||
      (rules['allow_glob_domains'] === true && domain.includes('*') && matchesGlob(domain, name))
    );
  });
}

/** Each part where it comes first, because an expression with many `.*` could take forever. */
function matchesGlob(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = text.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
