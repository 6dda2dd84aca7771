<?php
/**
 * The front of the family: one port, /LANGUAGE/w/{api,rest,index,thumb}.php, /LANGUAGE/wiki/TITLE and /images/...
 *
 * It stands in for the page views service and for Wikidata, writes down every request, and misbehaves as faults.json says:
 *   every: {"maxlag": n, "429": n, "503": n, "hang": n, "truncated": n}   every n-th request suffers that
 *   hang: seconds that a hanging request hangs;  retry_after: seconds;  delay: seconds for every request
 *   lag: seconds that the database lags behind, for every request
 *   require_agent: refuse a User-Agent that names no operator;  per_second, burst: 429 above that rate
 */
$folder = getenv( 'FAMILY_FOLDER' );
$path = rawurldecode( parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) ?? '/' );
$agent = $_SERVER['HTTP_USER_AGENT'] ?? '';

function answer( $status, $body, $type = 'application/json; charset=utf-8', $headers = [] ) {
	http_response_code( $status );
	header( "Content-Type: $type" );
	array_map( 'header', $headers );
	echo is_string( $body ) ? $body : json_encode( $body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES );
	return true;
}

/** Change what all workers share, one at a time: $change takes the numbers in the file and returns the new ones. */
function shared( $file, $change ) {
	$handle = fopen( $file, 'c+' );
	flock( $handle, LOCK_EX );
	$new = $change( json_decode( stream_get_contents( $handle ) ?: '[]', true ) );
	rewind( $handle );
	ftruncate( $handle, 0 );
	fwrite( $handle, json_encode( $new ) );
	fclose( $handle );
	return $new;
}

if ( $path === '/ready' ) {
	return answer( 200, 'ready', 'text/plain' );
}
if ( $agent !== 'the test itself' ) {
	register_shutdown_function( static function () use ( $folder, $path, $agent ) {
		$wiki = explode( '/', $path )[1];
		$line = [
			'start' => $_SERVER['REQUEST_TIME_FLOAT'], 'end' => microtime( true ), 'method' => $_SERVER['REQUEST_METHOD'], 'wiki' => $wiki,
			'path' => $path, 'params' => (object)( $GLOBALS['familyParams'] ), 'agent' => $agent, 'status' => http_response_code(),
			'encoding' => $_SERVER['HTTP_ACCEPT_ENCODING'] ?? '', 'fault' => $GLOBALS['familyFault'] ?? '',
		];
		$text = json_encode( $line, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE ) . "\n";
		file_put_contents( "$folder/requests.log", $text, FILE_APPEND | LOCK_EX );
	} );
}
$familyParams = $_GET + $_POST;

if ( str_starts_with( $path, '/images/' ) ) {
	$file = realpath( $folder . $path );
	if ( $file && str_starts_with( $file, realpath( "$folder/images" ) . '/' ) && is_file( $file ) ) {
		header( 'Content-Type: ' . ( str_ends_with( $file, '.png' ) ? 'image/png' : 'image/jpeg' ) );
		header( 'Content-Length: ' . filesize( $file ) );
		readfile( $file );
		return true;
	}
	if ( !preg_match( '~^/images/([a-z]+)/thumb/./../([^/]+)/(\d+)px-[^/]+$~', $path, $found ) ) {
		return answer( 404, 'no such file', 'text/plain' );
	}
	$_GET = $_REQUEST = [ 'f' => $found[2], 'w' => $found[3] ];
	$path = "/{$found[1]}/w/thumb.php";
}

$faults = json_decode( @file_get_contents( "$folder/faults.json" ) ?: '[]', true );
if ( $faults && $agent !== 'the test itself' ) {
	$hurried = false;
	if ( isset( $faults['per_second'] ) ) {
		$rate = $faults['per_second'];
		$burst = $faults['burst'] ?? $rate;
		shared( "$folder/bucket.json", static function ( $old ) use ( $rate, $burst, &$hurried ) {
			$now = microtime( true );
			$tokens = min( $burst, ( $old['tokens'] ?? $burst ) + ( $now - ( $old['time'] ?? $now ) ) * $rate );
			$hurried = $tokens < 1;
			return [ 'tokens' => $hurried ? $tokens : $tokens - 1, 'time' => $now ];
		} );
	}
	$familyFault = $hurried ? '429' : '';
	if ( isset( $faults['every'] ) && !$hurried ) {
		$number = shared( "$folder/count.json", static fn ( $old ) => [ ( $old[0] ?? 0 ) + 1 ] )[0];
		foreach ( $faults['every'] as $fault => $period ) {
			$familyFault = $number % $period === 0 ? (string)$fault : $familyFault;
		}
	}
	usleep( (int)( 1e6 * ( $faults['delay'] ?? 0 ) ) );
	if ( !empty( $faults['require_agent'] ) && !preg_match( '~@|https?://~', $agent ) ) {
		return answer( 403, '<html><body><p>Please set a user agent and respect our robot policy.</p></body></html>', 'text/html' );
	}
	$wait = [ 'Retry-After: ' . ( $faults['retry_after'] ?? 1 ) ];
	switch ( $familyFault ) {
		case '429':
			return answer( 429, '<html><body>Too many requests</body></html>', 'text/html', $wait );
		case '503':
			return answer( 503, '<html><body>upstream connect error</body></html>', 'text/html' );
		case 'hang':
			usleep( (int)( 1e6 * ( $faults['hang'] ?? 30 ) ) );
			return true;
		case 'truncated':
			ob_start( static fn ( $body ) => substr( $body, 0, intdiv( strlen( $body ), 2 ) ) );
			break;
		case 'maxlag':
			$familyLag = 7.3;
	}
	$familyLag = $faults['lag'] ?? $familyLag ?? null;
}

$views = '~^/api/rest_v1/metrics/pageviews/per-article/([^/]+)/all-access/user/(.+)/monthly/(\d{8})(?:00)?/(\d{8})(?:00)?$~';
if ( preg_match( $views, $path, $found ) ) {
	[ , $project, $article, $first, $last ] = $found;
	$items = [];
	for ( $day = strtotime( $first ); $day <= strtotime( $last ); $day = strtotime( '+1 month', $day ) ) {
		$items[] = [ 'project' => $project, 'article' => $article, 'timestamp' => gmdate( 'Ymd', $day ) . '00', 'views' => 10 + crc32( $article ) % 900 ];
	}
	if ( str_starts_with( $article, 'St._John' ) ) {
		$problem = [ 'type' => 'https://mediawiki.org/wiki/HyperSwitch/errors/not_found', 'title' => 'Not found.', 'detail' => 'no data' ];
		return answer( 404, $problem, 'application/problem+json' );
	}
	return answer( 200, [ 'items' => $items ] );
}

if ( $path === '/wikidata/w/api.php' ) {
	$items = json_decode( file_get_contents( "$folder/items.json" ), true );
	$entities = [];
	foreach ( explode( '|', $familyParams['ids'] ?? '' ) as $item ) {
		$links = array_map( static fn ( $site, $title ) => [ 'site' => $site, 'title' => $title, 'badges' => [] ], array_keys( $items[$item] ?? [] ), $items[$item] ?? [] );
		$entities[$item] = isset( $items[$item] )
			? [ 'type' => 'item', 'id' => $item, 'sitelinks' => (object)array_column( $links, null, 'site' ) ]
			: [ 'id' => $item, 'missing' => '' ];
	}
	return answer( 200, [ 'entities' => $entities, 'success' => 1 ] );
}

if ( !preg_match( '~^/([a-z]{2,8})/(?:w/((?:api|rest|index|load|thumb)\.php)|wiki/(.+))~s', $path, $found ) || !is_file( "$folder/data/{$found[1]}wiki.sqlite" ) ) {
	return answer( 404, "no such page in the family: $path", 'text/plain' );
}
$_SERVER['FAMILY_WIKI'] = $found[1];
$script = $found[2] ?: 'index.php';
if ( isset( $found[3] ) ) {
	$_GET['title'] = $_REQUEST['title'] = $found[3];
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "/{$found[1]}/w/$script";
$_SERVER['SCRIPT_FILENAME'] = getenv( 'FAMILY_MEDIAWIKI' ) . "/$script";
define( 'MW_CONFIG_FILE', "$folder/settings.php" );
chdir( getenv( 'FAMILY_MEDIAWIKI' ) );
require $_SERVER['SCRIPT_FILENAME'];
return true;
