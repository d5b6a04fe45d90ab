/** If the store cannot be reached, the visitor stays signed in: the cookie is not changed. */
export function unavailablePage(): Response {
  return new Response(page, {
    status: 503,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'private, no-store',
      'Retry-After': '5',
    },
  })
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Unavailable · Coatcheck</title>
<h1>Unavailable</h1>
<p>The session store cannot be reached. You are not signed out: please try again in a moment.</p>
<p><a href="/">Try again</a></p>
</html>
`
