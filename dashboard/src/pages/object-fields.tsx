import { useState } from 'preact/hooks'
import type { ComparedField } from '../../../src/wire/dashboard/object.ts'
import { count } from '../data/format.ts'
import { Card } from '../parts/card.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'

const results: Readonly<Record<ComparedField['result'], { icon: IconName; tone: string; means: string }>> = {
  same: { icon: 'done', tone: 'ready', means: 'same' },
  differs: { icon: 'invalid', tone: 'invalid', means: 'differs' },
  hidden: { icon: 'key', tone: 'held', means: 'Nomad never shows it' },
  undeclared: { icon: 'missing', tone: 'held', means: 'not declared' },
  unknown: { icon: 'missing', tone: 'held', means: 'could not be read' },
}

/** Each field as declared, beside what there is. Differences come first and are marked. */
export function Fields(props: {
  readonly fields: readonly ComparedField[]
  readonly unread: string | undefined
}) {
  const { fields, unread } = props
  const different = fields.filter(({ result }) => result === 'differs')
  const rest = fields.filter(({ result }) => result !== 'differs')
  const [isAll, setAll] = useState(false)
  const rows = isAll || rest.length <= 8 ? [...different, ...rest] : [...different, ...rest.slice(0, 8)]
  return (
    <Card
      title="Declared and actual"
      note={
        different.length === 0 ? (
          <span class="state tone-ready">
            <Icon name="ready" />
            no difference
          </span>
        ) : (
          <span class="state tone-invalid">
            <Icon name="invalid" />
            {count(different.length, 'difference')}
          </span>
        )
      }
    >
      {unread !== undefined && <p class="none">What there is could not be read: {unread}</p>}
      <div class="table-frame stacked">
        <table class="fields">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Declared</th>
              <th scope="col">Actual</th>
              <th scope="col">
                <span class="for-readers">Result</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ field, declared, actual, result }) => {
              const { icon, tone, means } = results[result]
              return (
                <tr key={field} class={result === 'differs' ? 'differs' : ''}>
                  <th scope="row">
                    <code>{field.replace(/^spec\./, '')}</code>
                  </th>
                  <td data-label="Declared">
                    {declared === undefined ? <span class="quiet">–</span> : <code>{declared}</code>}
                  </td>
                  <td data-label="Actual">
                    {actual === undefined ? <span class="quiet">–</span> : <code>{actual}</code>}
                  </td>
                  <td data-label="Result">
                    <span class={`state tone-${tone}`}>
                      <Icon name={icon} />
                      {means}
                    </span>
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
      {rows.length < fields.length && (
        <p class="more">
          <button type="button" class="button bare small" onClick={() => setAll(true)}>
            Show all {fields.length} fields
          </button>
        </p>
      )}
    </Card>
  )
}
