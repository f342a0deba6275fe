import { badRequest } from './failure.ts'
import { asRecord, type StoredObject } from './json.ts'

/** @throws ApiFailure 400 */
export function parseSelectors(query: URLSearchParams): (object: StoredObject) => boolean {
  const tests = [
    ...parseLabels(query.get('labelSelector') ?? ''),
    ...parseFields(query.get('fieldSelector') ?? ''),
  ]
  return (object) => tests.every((test) => test(object))
}

type Test = (object: StoredObject) => boolean

function parseLabels(text: string): Test[] {
  const requirements = text.match(/[^,(]+(\([^)]*\))?/g) ?? []
  return requirements.map((requirement) => {
    const labels = (object: StoredObject) => asRecord(object.metadata.labels)
    const set = /^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$/.exec(requirement)
    if (set) {
      const [, key = '', operator, list = ''] = set
      const values = list.split(',').map((value) => value.trim())
      const isIn: Test = (object) => values.includes(String(labels(object)[key] ?? '\u0000'))
      return operator === 'in' ? isIn : (object) => !isIn(object)
    }
    const comparison = /^\s*([^\s!=]+)\s*(==|=|!=)\s*([^\s=]*)\s*$/.exec(requirement)
    if (comparison) {
      const [, key = '', operator, value = ''] = comparison
      return operator === '!='
        ? (object) => labels(object)[key] !== value
        : (object) => labels(object)[key] === value
    }
    const presence = /^\s*(!?)\s*([^\s!=()]+)\s*$/.exec(requirement)
    if (!presence) throw badRequest(`unable to parse requirement: ${requirement}`)
    const [, not, key = ''] = presence
    return (object) => key in labels(object) === (not === '')
  })
}

function parseFields(text: string): Test[] {
  return text.split(',').flatMap((requirement): Test[] => {
    if (requirement === '') return []
    const comparison = /^([^!=]+)(==|=|!=)(.*)$/.exec(requirement)
    if (!comparison) throw badRequest(`invalid selector: '${requirement}'; can't understand '${requirement}'`)
    const [, path = '', operator, value = ''] = comparison
    const read = (object: StoredObject) =>
      String(path.split('.').reduce<unknown>((current, name) => asRecord(current)[name], object) ?? '')
    return [(object) => (read(object) === value) === (operator !== '!=')]
  })
}
