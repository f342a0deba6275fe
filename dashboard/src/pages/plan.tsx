import { useState } from 'preact/hooks'
import type { PlanAnswer, PlannedChange, PlanRequest } from '../../../src/wire/dashboard/sources.ts'
import { formatSize, stepInWords } from '../data/format.ts'
import { post } from '../data/request.ts'
import { session } from '../data/session.ts'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { useTitle } from '../parts/page-state.tsx'
import { Prose } from '../parts/prose.tsx'
import { Problem } from './sources.tsx'

const example = `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: my-volume}
spec:
  pluginID: directories
  capacity: {min: 10Gi}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]`

/** What would Mooring do with this document? Nothing is changed by asking. */
export function PlanPage() {
  useTitle('Plan')
  const [documents, setDocuments] = useState('')
  const [folder, setFolder] = useState('')
  const [answer, setAnswer] = useState<PlanAnswer>()
  const [failure, setFailure] = useState<string>()
  const [isAsking, setAsking] = useState(false)
  const mayFolder = session.value?.role === 'operator'

  async function ask(request: PlanRequest) {
    setAsking(true)
    try {
      setAnswer(await post<PlanAnswer>('/api/plan', request))
      setFailure(undefined)
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
    } finally {
      setAsking(false)
    }
  }

  return (
    <>
      <div class="head">
        <div>
          <h1>What would it change?</h1>
          <p class="lead">
            Paste a document and see what Mooring would do with it, with the risk for data. Nothing is changed
            by asking.
          </p>
        </div>
      </div>
      <div class="columns even">
        <Card title="Document">
          <form
            class="body"
            onSubmit={(event) => {
              event.preventDefault()
              void ask({ documents })
            }}
          >
            <label class="field">
              <span>
                YAML documents, as if they were added to the sources or took the place of those there
              </span>
              <textarea
                rows={18}
                spellcheck={false}
                placeholder={example}
                value={documents}
                onInput={(event) => setDocuments(event.currentTarget.value)}
              />
            </label>
            <div class="toolbar">
              <button type="submit" class="button main-action" disabled={documents.trim() === '' || isAsking}>
                <Icon name="plan" />
                Show the plan
              </button>
              {documents === '' && (
                <button type="button" class="button" onClick={() => setDocuments(example)}>
                  Begin with an example
                </button>
              )}
            </div>
          </form>
          <form
            class="body folder"
            onSubmit={(event) => {
              event.preventDefault()
              if (mayFolder) void ask({ folder })
            }}
          >
            <label class="field">
              <span>Or a folder on the operator's machine, or a Git address, in place of all sources</span>
              <input
                value={folder}
                disabled={!mayFolder}
                spellcheck={false}
                placeholder="/srv/declarations"
                onInput={(event) => setFolder(event.currentTarget.value)}
              />
            </label>
            {!mayFolder && (
              <p class="quiet small">
                It reads files of the operator's machine, so only the role operator may ask for it. Log in
                first.
              </p>
            )}
            <div class="toolbar">
              <button type="submit" class="button" disabled={!mayFolder || folder.trim() === '' || isAsking}>
                Plan this folder
              </button>
            </div>
          </form>
        </Card>
        <div class="stack" aria-live="polite" aria-busy={isAsking}>
          {failure !== undefined && (
            <div class="banner tone-stalled" role="alert">
              <Icon name="stalled" />
              <p>{failure}</p>
            </div>
          )}
          {answer !== undefined && <Answer answer={answer} />}
          {answer === undefined && failure === undefined && (
            <p class="empty quiet">The plan appears here: each step, why, and what it may mean for data.</p>
          )}
        </div>
      </div>
    </>
  )
}

function Answer({ answer }: { readonly answer: PlanAnswer }) {
  const { sentence, changes, problems, failures } = answer
  return (
    <>
      <Card title={sentence}>
        {changes.length === 0 ? (
          <p class="none">Mooring would do nothing.</p>
        ) : (
          <ul class="rows">
            {changes.map((change) => (
              <li key={`${change.object.key}${change.step}${change.result}`}>
                <Change change={change} />
              </li>
            ))}
          </ul>
        )}
      </Card>
      {problems.length > 0 && (
        <Card title="To correct first">
          <ul class="rows">
            {problems.map((problem) => (
              <li key={JSON.stringify(problem)}>
                <Problem problem={problem} />
              </li>
            ))}
          </ul>
        </Card>
      )}
      {failures.length > 0 && (
        <Card title="The plan is not whole">
          <ul class="rows">
            {failures.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Card>
      )}
    </>
  )
}

const effects = {
  make: { sign: '+', tone: 'ready' },
  change: { sign: '~', tone: 'invalid' },
  'take over': { sign: '=', tone: 'working' },
  end: { sign: '−', tone: 'stalled' },
} as const
const others = {
  step: { sign: '~', tone: 'working', means: '' },
  waiting: { sign: '…', tone: 'working', means: 'waits' },
  stalled: { sign: '!', tone: 'stalled', means: 'needs a person' },
  held: { sign: '·', tone: 'held', means: 'is left as it is' },
} as const
const risks = {
  none: { tone: 'ready', means: 'no risk for data' },
  copies: { tone: 'ready', means: 'copies data, the original stays' },
  'in use': { tone: 'invalid', means: 'changes a volume in use' },
  'destroys data': { tone: 'stalled', means: 'destroys data' },
} as const

/** Capacities come in bytes, as Nomad has them. */
function showValue(field: string, value: string): string {
  return field.startsWith('spec.capacity.') && /^\d+$/.test(value) ? formatSize(Number(value)) : value
}

function Change({ change }: { readonly change: PlannedChange }) {
  const { object, result, step, effect, risk, reason, message, differences, place } = change
  const { sign, tone } = effect === undefined ? others[result] : effects[effect]
  return (
    <div class={`change tone-${tone}`}>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      <div>
        <div class="line centre">
          <strong>{step === undefined ? others[result].means : stepInWords(step)}</strong>
          <ObjectLink object={object} isKindShown />
          <span class="end">
            <span class={`badge tone-${risks[risk].tone}`}>{risks[risk].means}</span>
          </span>
        </div>
        <p class="second">
          <Prose text={message} />
          {reason !== undefined && <span class="quiet"> ({reason})</span>}
        </p>
        {differences.length > 0 && (
          <table class="differences">
            <caption class="for-readers">What differs</caption>
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Actual</th>
                <th scope="col">Declared</th>
              </tr>
            </thead>
            <tbody>
              {differences.map(({ field, declared, actual }) => (
                <tr key={field}>
                  <th scope="row">
                    <code>{field}</code>
                  </th>
                  <td>
                    <code class="gone">{showValue(field, actual)}</code>
                  </td>
                  <td>
                    <code class="come">{showValue(field, declared)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {place !== undefined && <p class="quiet small">{place}</p>}
      </div>
    </div>
  )
}
