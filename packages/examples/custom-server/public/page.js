// The two races of the page. Without it the page works just as well, and has no races.

/**
 * @typedef {{ state: string, data: Record<string, unknown> }} SessionView
 * @typedef {{ status: number, outcome: string, view: SessionView }} Answer
 */

const crowdSize = 20
const slowWrite = 1500

let running = false

/**
 * Sends a request and writes it into the log.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
async function send(method, path, body) {
  const finish = startRow(`${method} ${path}`)
  const started = performance.now()
  try {
    const response = await fetch(path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    })
    const view = /** @type {SessionView} */ (await response.json())
    const outcome = outcomeOf(response.headers)
    finish(String(response.status), outcome, performance.now() - started)
    return { status: response.status, outcome, view }
  } catch (error) {
    finish('failed', '', performance.now() - started)
    throw error
  }
}

/** @param {Headers} headers */
function outcomeOf(headers) {
  return /(?:^|,\s*)session;desc="([^"]*)"/.exec(headers.get('Server-Timing') ?? '')?.[1] ?? ''
}

/** Each hangs a coat of its own: twenty keys, one request each. */
async function hangCoats() {
  const run = Date.now()
  await send('PATCH', '/api/session', { set: { pegs: run } })
  const answers = await atOnce((peg) =>
    send('PATCH', '/api/session?delay=300', { set: { [`peg${peg}`]: run } }),
  )
  const { view } = await send('GET', '/api/session')
  const kept = answers.map((_, index) => view.data[`peg${index + 1}`] === run)
  kept.forEach((isKept, index) => markPeg(index, isKept ? 'kept' : 'lost'))
  const count = kept.filter(Boolean).length
  return `${count} of ${crowdSize} coats are on their pegs.`
}

/** All count on one counter. */
async function countVisits() {
  const before = (await send('PATCH', '/api/session', { set: { pegs: Date.now() } })).view
  await atOnce(() => send('POST', '/api/increment?key=visits&delay=300'))
  const after = (await send('GET', '/api/session')).view
  const count = Number(after.data['visits'] ?? 0) - Number(before.data['visits'] ?? 0)
  pegs().forEach((_, index) => markPeg(index, index < count ? 'kept' : 'lost'))
  return `${count} of ${crowdSize} visits were counted.`
}

/**
 * @param {(peg: number) => Promise<Answer>} sendOne
 * @returns {Promise<Answer[]>}
 */
function atOnce(sendOne) {
  return Promise.all(
    Array.from({ length: crowdSize }, async (_, index) => {
      markPeg(index, 'sent')
      const answer = await sendOne(index + 1)
      markPeg(index, 'answered')
      return answer
    }),
  )
}

/** A session, a slow write, and a logout in between. */
async function signOutMeanwhile() {
  for (const step of ['start', 'logout', 'end', 'check']) markStep(step, '')
  await send('PATCH', '/api/session', { set: { note: 'before' } })
  const writing = send('PATCH', `/api/session?delay=${slowWrite}`, { set: { note: 'too late' } })
  markStep('start', 'running')
  await new Promise((resolve) => setTimeout(resolve, slowWrite / 3))
  const logout = await send('POST', '/api/logout')
  markStep('logout', said(logout))
  markStep('start', 'still running')
  const late = await writing
  markStep('start', 'ended')
  markStep('end', said(late))
  const { view } = await send('GET', '/api/session')
  const dead = view.state === 'new' && Object.keys(view.data).length === 0
  markStep('check', dead ? 'nothing' : JSON.stringify(view))
  return dead ? 'The session stayed dead.' : 'The session came back.'
}

/** @param {Answer} answer */
function said({ status, outcome }) {
  return outcome === '' ? String(status) : `${status}, ${outcome}`
}

/**
 * Runs a race when its button is pressed, one at a time, and shows how it ended.
 *
 * @param {string} button
 * @param {string} result
 * @param {() => Promise<string>} race
 */
function offer(button, result, race) {
  const output = element(result)
  async function run() {
    running = true
    updateButtons()
    pegs().forEach((_, index) => markPeg(index, ''))
    output.textContent = 'Running …'
    try {
      output.textContent = await race()
    } catch {
      output.textContent = 'A request failed: see the log.'
    }
    running = false
    await refresh().catch(() => {})
    updateButtons()
  }
  element(button).addEventListener('click', () => void run())
}

/** A race cannot begin while one is running, or while there is no store to run against. */
function updateButtons() {
  const disabled = running || document.getElementById('unavailable') !== null
  for (const button of document.querySelectorAll('.races button')) {
    button.toggleAttribute('disabled', disabled)
  }
}

/** Shows the session as it is now: the server renders it, as ever. */
async function refresh() {
  const response = await fetch('/')
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const desk = fresh.getElementById('desk')
  if (desk === null || desk.innerHTML === element('desk').innerHTML) return
  const focused = document.activeElement?.id
  element('desk').replaceWith(desk)
  document.title = fresh.title
  updateButtons()
  if (focused) document.getElementById(focused)?.focus()
}

function pegs() {
  return document.querySelectorAll('.pegs li')
}

/**
 * @param {number} index
 * @param {string} state
 */
function markPeg(index, state) {
  pegs()[index]?.setAttribute('data-state', state)
}

/**
 * @param {string} step
 * @param {string} text
 */
function markStep(step, text) {
  const item = element(`late-${step}`)
  item.toggleAttribute('data-done', text !== '')
  const output = item.querySelector('output')
  if (output) output.textContent = text
}

/**
 * A row of the log, and the way to fill it in when the answer is there.
 *
 * @param {string} request
 */
function startRow(request) {
  element('log').hidden = false
  const row = document.createElement('tr')
  const cells = [request, '…', '', ''].map((text) => {
    const cell = document.createElement('td')
    cell.textContent = text
    return cell
  })
  row.append(...cells)
  element('log-rows').prepend(row)
  return (
    /** @type {string} */ status,
    /** @type {string} */ outcome,
    /** @type {number} */ milliseconds,
  ) => {
    const texts = [request, status, outcome, `${Math.round(milliseconds)} ms`]
    texts.forEach((text, index) => cells[index]?.replaceChildren(text))
    row.dataset['outcome'] = outcome
  }
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no #${id}`)
  return found
}

if (document.getElementById('desk') !== null) {
  offer('crowd-keys', 'crowd-result', hangCoats)
  offer('crowd-counter', 'crowd-result', countVisits)
  offer('late-go', 'late-result', signOutMeanwhile)
  updateButtons()
  // Another tab may have changed the session meanwhile, or ended it.
  addEventListener('visibilitychange', () => {
    if (!document.hidden) refresh().catch(() => {})
  })
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload()
  })
}
