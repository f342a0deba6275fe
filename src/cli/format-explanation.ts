import { advise, commandsOf, type Explanation, type Names, placeholders } from '../lib/reasons/explanation.ts'
import { wrapText } from './wrap.ts'

/** What is explained. */
export interface Explained {
  readonly reason: string
  readonly explanation: Explanation
  /** The names of the commands. */
  readonly names: Names
  /** The declaration of which it is told, and what it says. */
  readonly of?: {
    readonly kind: string
    readonly name: string
    readonly state: string
    readonly message: string
  }
}

/** The shape of `mooring explain --output json`. */
export function presentExplanation({ reason, explanation, names, of }: Explained, at: string) {
  const { happened, data, mooring, person } = explanation
  return {
    reason,
    ...(of === undefined ? {} : { of }),
    happened,
    data,
    mooring,
    person: Object.values(person).map((remedy) => {
      const text = locate(remedy(names), at)
      return { text: advise(text), commands: commandsOf(text) }
    }),
  }
}

/** The explanation for a person: short paragraphs, each command in a line of its own. */
export function formatExplanation(
  { reason, explanation, names, of }: Explained,
  width: number,
  at: string,
): string {
  const { happened, data, mooring, person } = explanation
  const part = (title: string, text: string) => wrapText(text, width, `${title.padEnd(titleWidth)}`, margin)
  const remedies = Object.values(person)
  return [
    of === undefined ? reason : `${of.kind} ${of.name}: ${of.state} ${reason}`,
    ...(of === undefined || of.message === '' ? [] : wrapText(of.message, width, '  ')),
    '',
    ...part('Happened', happened),
    ...part('Data', data),
    ...part('Mooring', mooring),
    ...(remedies.length === 0
      ? part('You', 'Nothing needs to be done.')
      : remedies.flatMap((remedy, index) => formatRemedy(locate(remedy(names), at), index === 0, width))),
  ].join('\n')
}

const titleWidth = 11
const margin = ' '.repeat(titleWidth)

function formatRemedy(text: string, isFirst: boolean, width: number): string[] {
  const parts = text.split(/`([^`]+)`\.?/)
  return parts.flatMap((part, index) => {
    const words = part.trim()
    if (words === '') return []
    // Of what is split so, each second part was between the marks. A command is never wrapped, so that it can be pasted.
    if (index % 2 === 1) return [`${margin}  ${words}`]
    const ending = index < parts.length - 1 ? `${words.replace(/:$/, '')}:` : words
    const start = isFirst && index === 0 ? 'You'.padEnd(titleWidth) : margin
    return wrapText(ending, width, start, margin)
  })
}

/** Adds to each command of ours where the operator is. */
function locate(text: string, at: string): string {
  return at === '' ? text : text.replace(/`(mooring [^`]+)`/g, `\`$1 ${at}\``)
}

/**
 * Fills in what only the message knows, such as a size: it ends with the same remedies, with the real names in them.
 * @param names with placeholders for what is not known
 */
export function fillFromMessage(message: string, { person }: Explanation, names: Names): Names {
  const unknown = Object.entries(placeholders).flatMap(([name, placeholder]) =>
    names[name as keyof Names] === placeholder ? [name] : [],
  )
  const marked = { ...names, ...Object.fromEntries(unknown.map((name) => [name, `__${name}__`])) }
  const found: Record<string, string> = {}
  for (const remedy of Object.values(person)) {
    const parts = advise(remedy(marked)).split(/__(\w+?)__/)
    const pattern = parts.map((part, index) => (index % 2 === 0 ? RegExp.escape(part) : '(\\S+?)')).join('')
    const [, ...values] = new RegExp(`${pattern}(?=\\.?(?:\\s|$))`).exec(message) ?? []
    for (const [index, value] of values.entries()) found[parts[index * 2 + 1] ?? ''] = value
  }
  return { ...names, ...found }
}
