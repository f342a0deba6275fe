import type { Coding } from './write-body.ts'

/** The coding that a client likes best of those that it accepts (RFC 9110, 12.5.3); a weight of 0 is a refusal. */
export function chooseCoding(accepted: string | undefined): Coding {
  let best: { readonly coding: Coding; readonly weight: number } = { coding: undefined, weight: 0 }
  for (const item of (accepted ?? '').split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    if (name !== 'gzip' && name !== 'deflate') continue
    const [, text] =
      parameters.map((parameter) => /^q\s*=\s*([01](?:\.\d{0,3})?)$/.exec(parameter)).find(Boolean) ?? []
    const weight = text === undefined ? (parameters.length === 0 ? 1 : 0) : Number(text)
    if (weight > best.weight) best = { coding: name, weight }
  }
  return best.coding
}
