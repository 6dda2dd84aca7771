<?php
/**
 * One LocalSettings.php for every wiki of the family. The wiki is named by FAMILY_WIKI on the command line, by the path on the web.
 *
 * What production has and Debian's package lacks is stood in for here: a shared file repository, the licences of files
 * (CommonsMetadata) and the item of a page (the Wikibase client). Page views and Wikidata itself are in router.php.
 */
if ( !defined( 'MEDIAWIKI' ) ) {
	exit;
}
$familyFolder = getenv( 'FAMILY_FOLDER' );
$familyBase = getenv( 'FAMILY_BASE' );
$familyWiki = PHP_SAPI === 'cli' ? getenv( 'FAMILY_WIKI' ) : $_SERVER['FAMILY_WIKI'];
$familyShared = $familyWiki === 'commons';

$wgSitename = $familyShared ? 'Commons' : 'Wiki';
$wgLanguageCode = $familyShared ? 'en' : $familyWiki;
$wgServer = $wgCanonicalServer = $familyBase;
$wgScriptPath = "/$familyWiki/w";
$wgArticlePath = "/$familyWiki/wiki/\$1";
$wgResourceBasePath = '/en/w';
$wgSecretKey = $wgUpgradeKey = str_repeat( '0123456789abcdef', 4 );
$wgShowExceptionDetails = true;
$wgEnableEmail = false;
$wgPingback = false;
$wgRateLimits = [];
$wgGroupPermissions['*']['delete'] = true;   # tests edit and delete through the API, without an account
$wgGroupPermissions['*']['editsemiprotected'] = true;

$wgDBtype = 'sqlite';
$wgDBname = "{$familyWiki}wiki";
$wgDBserver = $wgDBuser = $wgDBpassword = '';
$wgSQLiteDataDir = "$familyFolder/data";
$wgCacheDirectory = "$familyFolder/cache";
$wgLocalisationCacheConf['store'] = 'array';
$wgLocalisationCacheConf['manualRecache'] = PHP_SAPI !== 'cli';   # load.php makes them
$wgUseDatabaseMessages = false;
$wgMainCacheType = $wgParserCacheType = $wgMessageCacheType = CACHE_ACCEL;
$wgSessionCacheType = CACHE_DB;
$wgJobRunRate = 0;   # a job inside a request would take SQLite's lock from the others

$wgEnableUploads = true;
$wgFileExtensions = [ 'png', 'jpg' ];
$wgUploadDirectory = "$familyFolder/images/$familyWiki";
$wgUploadPath = "/images/$familyWiki";
$wgUseImageMagick = false;
$wgGenerateThumbnailOnParse = false;
$wgMaxShellMemory = 0;
if ( !$familyShared ) {
	/** MediaWiki's foreign repository in another database, which does not know where SQLite keeps its files. */
	class FamilyRepo extends ForeignDBRepo {
		protected function getDBFactory() {
			return static fn ( $index ) => familyDatabase( 'commons' );
		}
	}
	$wgForeignFileRepos[] = [
		'class' => FamilyRepo::class, 'name' => 'shared', 'directory' => "$familyFolder/images/commons",
		'url' => "$familyBase/images/commons", 'hashLevels' => 2, 'transformVia404' => true,
		'dbType' => 'sqlite', 'dbServer' => '', 'dbUser' => '', 'dbPassword' => '', 'dbName' => 'commonswiki',
		'dbFlags' => DBO_DEFAULT, 'tablePrefix' => '', 'hasSharedCache' => false,
		'descBaseUrl' => "$familyBase/commons/wiki/File:", 'fetchDescription' => false,
	];
}
function familyDatabase( $wiki ) {
	$options = [ 'dbname' => "{$wiki}wiki", 'flags' => DBO_DEFAULT, 'tablePrefix' => '', 'dbDirectory' => $GLOBALS['wgSQLiteDataDir'] ];
	return Wikimedia\Rdbms\Database::factory( 'sqlite', $options );
}

wfLoadSkin( 'Vector' );
foreach ( [ 'ParserFunctions', 'Cite', 'PageImages', 'Math', 'Poem' ] as $extension ) {
	wfLoadExtension( $extension );
}
$wgPFEnableStringFunctions = true;
$wgMathValidModes = [ 'source' ];
$wgDefaultUserOptions['math'] = 'source';
$wgMathDisableTexFilter = 'always';
$wgPageImagesLeadSectionOnly = true;

# Links to the other languages carry the port, so they are made at run time and not in the database. Wikis that the family
# has no room for are linked too: they count as language versions.
$wgInterwikiScopes = 2;
$wgInterwikiCache = [];
$familyLinked = [ 'commons', 'de', 'en', 'es', 'eu', 'fr', 'it', 'ja', 'nl', 'pt', 'ru', 'sv', 'zh' ];
foreach ( $familyLinked as $wiki ) {
	$wgInterwikiCache["__global:$wiki"] = "1 $familyBase/$wiki/wiki/\$1";
}
$wgInterwikiCache['__list:__global'] = implode( ' ', $familyLinked );

# A server that lags behind: router.php says so.
$wgHooks['ApiMaxLagInfo'][] = static function ( &$info ) {
	if ( isset( $GLOBALS['familyLag'] ) ) {
		$info = [ 'host' => 'db9', 'lag' => (float)$GLOBALS['familyLag'], 'type' => 'db' ];
	}
};

# CommonsMetadata: the licence and the author as the file's own page says them, in HTML as in production.
$wgHooks['GetExtendedMetadata'][] = static function ( &$meta, $file ) use ( $familyWiki ) {
	$db = familyDatabase( $file->getRepoName() === 'shared' ? 'commons' : $familyWiki );
	$page = $db->selectField(
		[ 'page', 'slots', 'content', 'text' ], 'old_text',
		[
			'page_namespace' => NS_FILE, 'page_title' => $file->getTitle()->getDBkey(), 'slot_revision_id = page_latest',
			'content_id = slot_content_id', 'content_address = ' . $db->buildConcat( [ "'tt:'", 'old_id' ] ),
		],
		'extmetadata'
	);
	foreach ( [ 'Artist' => 'author', 'Credit' => 'source', 'ImageDescription' => 'description' ] as $name => $field ) {
		if ( preg_match( "/^\\|$field=(.+)$/m", (string)$page, $found ) ) {
			$meta[$name] = [ 'value' => $found[1], 'source' => 'commons-desc-page' ];
		}
	}
	$licences = [
		'cc-by-sa-4.0' => [ 'cc-by-sa-4.0', 'CC BY-SA 4.0', 'https://creativecommons.org/licenses/by-sa/4.0', 'True' ],
		'cc-zero' => [ 'cc0', 'CC0', 'http://creativecommons.org/publicdomain/zero/1.0/deed.en', 'True' ],
		'PD-Art' => [ 'pd', 'Public domain', '', 'False' ],
		'Non-free art' => [ '', 'Fair use', '', 'True' ],
	];
	foreach ( $licences as $template => [ $code, $short, $url, $copyrighted ] ) {
		if ( stripos( (string)$page, "{{{$template}}}" ) === false ) {
			continue;
		}
		$values = [ 'License' => $code, 'LicenseShortName' => $short, 'UsageTerms' => $short, 'LicenseUrl' => $url, 'Copyrighted' => $copyrighted ];
		if ( $template === 'Non-free art' ) {
			$values['NonFree'] = 'true';
		}
		foreach ( array_filter( $values, 'strlen' ) as $name => $value ) {
			$meta[$name] = [ 'value' => $value, 'source' => 'commons-desc-page' ];
		}
	}
};

# The Wikibase client and Disambiguator: a page property each.
$wgExtensionMessagesFiles['Family'] = __DIR__ . '/magic.i18n.php';
$wgHooks['ParserFirstCallInit'][] = static function ( $parser ) {
	$parser->setFunctionHook( 'wikidata_item', static function ( $parser, $item = '' ) {
		$parser->getOutput()->setPageProperty( 'wikibase_item', trim( $item ) );
		return '';
	} );
	$parser->setFunctionHook( 'disambiguation_page', static function ( $parser ) {
		$parser->getOutput()->setPageProperty( 'disambiguation', '' );
		return '';
	} );
};
